import { useState } from 'react';
import { Button, Input, Label, Menu, MenuItem, MenuTrigger, Popover, TextField } from 'react-aria-components';
import { useStudio } from '../../../store/index.ts';
import { busyWith } from '../../../store/state.ts';
import type { Project, ProjectEntry } from '../../../../hosts/browser/projectsProtocol.ts';
import { openFiles } from '../../chooseFiles.ts';
import { FileButton } from '../../controls/FileButton.tsx';
import { Icon } from '../../controls/Icon.tsx';
import { downloadFile } from '../../files.ts';
import { formatBytes, formatMoment } from '../../format.ts';
import { shownName } from '../../frame/shownName.ts';
import { t } from '../../text/index.ts';

/** The projects of this browser. */
export function Projects() {
  const { entries, known, open, restoring } = useStudio((state) => state.projects);
  const busy = useStudio((state) => busyWith(state) !== null) || restoring;
  const newProject = useStudio((state) => state.newProject);
  if (!known) return <section className="panel" aria-busy="true" aria-label={t('projects.title')} />;
  return (
    <section className="column panel" aria-labelledby="projects-title">
      <div className="part__head">
        <h3 id="projects-title">{t('projects.title')}</h3>
        <div className="row row--tight">
          <FileButton
            label={t('projects.import')}
            icon="upload"
            accept=".zip"
            kind="quiet"
            disabled={busy}
            onFiles={openFiles}
          />
          {open && (
            <Button className="button" isDisabled={busy} onPress={() => void newProject()}>
              {t('projects.new')}
            </Button>
          )}
        </div>
      </div>
      {entries.length === 0 && <p className="remark">{t('projects.none')}</p>}
      <ul className="projects">
        {entries.map((entry) => (
          <ProjectItem key={entry.id} entry={entry} busy={busy} />
        ))}
      </ul>
    </section>
  );
}

function ProjectItem({ entry: { id, project }, busy }: { entry: ProjectEntry; busy: boolean }) {
  const isOpen = useStudio((state) => state.projects.open?.id === id);
  const openProject = useStudio((state) => state.openProject);
  const remove = useStudio((state) => state.removeProject);
  const exported = useStudio(({ projects }) =>
    projects.exported?.id === id ? projects.exported.file : null,
  );
  const [renaming, setRenaming] = useState(false);
  if (!project) {
    const name = t('projects.damaged', { id });
    return (
      <li className="project">
        <span className="project__name">{name}</span>
        <Button className="button button--small" isDisabled={busy} onPress={() => remove(id, name)}>
          {t('projects.delete')}
        </Button>
      </li>
    );
  }
  const name = shownName(project);
  return (
    <li className="project" data-open={isOpen}>
      {renaming ? (
        <Rename id={id} name={name} onClose={() => setRenaming(false)} />
      ) : (
        <span className="project__text">
          <span className="project__name">
            {name} {isOpen && <span className="run__status">{t('projects.current')}</span>}
          </span>
          <span className="found__note">{factsOf(project).join(' · ')}</span>
        </span>
      )}
      <span className="row row--tight">
        {!isOpen && (
          <Button
            className="button button--small"
            aria-label={t('projects.openName', { name })}
            isDisabled={busy}
            onPress={() => void openProject(id)}
          >
            {t('projects.open')}
          </Button>
        )}
        <More id={id} name={name} busy={busy} onRename={() => setRenaming(true)} />
      </span>
      {exported && (
        <Button className="button button--small" onPress={() => downloadFile(exported, exported.name)}>
          <Icon name="download" />
          {t('projects.save', { name: exported.name, size: formatBytes(exported.size) })}
        </Button>
      )}
    </li>
  );
}

/** Its model and data, where its name is another, and when it changed. */
function factsOf(project: Project): string[] {
  const name = shownName(project);
  const { model, data, runs, changedAt } = project;
  return [
    ...[model?.name, data?.name].filter((part) => part !== undefined && part !== name),
    ...(runs.length > 0 ? [t('projects.runs', { n: runs.length })] : []),
    t('projects.changed', { time: formatMoment(changedAt) }),
  ] as string[];
}

interface MoreProps {
  id: string;
  name: string;
  busy: boolean;
  onRename: () => void;
}

function More({ id, name, busy, onRename }: MoreProps) {
  const duplicate = useStudio((state) => state.duplicateProject);
  const exportProject = useStudio((state) => state.exportProject);
  const remove = useStudio((state) => state.removeProject);
  const actions = {
    rename: onRename,
    duplicate: () => void duplicate(id, t('projects.copyOf', { name })),
    export: () => void exportProject(id, name),
    delete: () => remove(id, name),
  };
  return (
    <MenuTrigger>
      <Button className="icon-button" aria-label={t('projects.more', { name })} isDisabled={busy}>
        <Icon name="more" />
      </Button>
      <Popover className="popover" placement="bottom end">
        <Menu className="menu">
          {(['rename', 'duplicate', 'export', 'delete'] as const).map((action) => (
            <MenuItem key={action} id={action} className="menu__item" onAction={actions[action]}>
              {t(`projects.${action}`)}
            </MenuItem>
          ))}
        </Menu>
      </Popover>
    </MenuTrigger>
  );
}

function Rename({ id, name, onClose }: { id: string; name: string; onClose: () => void }) {
  const rename = useStudio((state) => state.renameProject);
  const [text, setText] = useState(name);
  const keep = () => {
    const wanted = text.trim();
    if (wanted !== '' && wanted !== name) void rename(id, wanted);
    onClose();
  };
  return (
    <form
      className="project__rename"
      onSubmit={(event) => {
        event.preventDefault();
        keep();
      }}
    >
      {/* oxlint-disable-next-line jsx-a11y/no-autofocus -- it opens on the user's command */}
      <TextField className="field" value={text} onChange={setText} onBlur={keep} autoFocus>
        <Label className="hidden">{t('projects.name')}</Label>
        <Input autoComplete="off" onKeyDown={(event) => event.key === 'Escape' && onClose()} />
      </TextField>
    </form>
  );
}
