import { useState } from 'react';
import { Button, Input, Label, TextArea, TextField } from 'react-aria-components';
import { changedFields } from '../../../../base/config/presets.ts';
import { parseTags } from '../../../../base/config/runTags.ts';
import { useStudio } from '../../../store/index.ts';
import { canOpenModel } from '../../../store/runs.ts';
import { busyWith } from '../../../store/state.ts';
import type { RunDetail, RunEntry } from '../../../../hosts/browser/protocol.ts';
import { Fact, Facts } from '../../controls/Facts.tsx';
import { Icon } from '../../controls/Icon.tsx';
import { downloadFile } from '../../files.ts';
import { formatBytes, formatDuration, formatList, formatMoment } from '../../format.ts';
import { valueText } from '../recipe/recipeText.ts';
import { errorText, fieldText, hasErrorText, t } from '../../text/index.ts';
import { Checkpoints } from './Checkpoints.tsx';
import { Samples } from './Samples.tsx';

type Head = NonNullable<RunEntry['head']>;

/** The stored data of a run, and its actions. */
export function RunDetails({ id, head }: { id: string; head: Head }) {
  const detail = useStudio(({ runs }) => (runs.open?.id === id ? runs.open.detail : null));
  const { base, data, recipe, progress, createdAt, failure } = head;
  const changed = changedFields(recipe).map((key) => `${fieldText(key).label} ${valueText(recipe[key])}`);
  return (
    <section className="run__details" aria-label={t('runs.showName', { name: head.name })}>
      <h4>{head.name}</h4>
      {failure && hasErrorText(failure.code) && (
        <p className="run__failure">{errorText(failure.code, failure.params).what}</p>
      )}
      <Facts>
        <Fact name={t('runs.model')}>{base.repo ?? base.name}</Fact>
        <Fact name={t('runs.data')} note={t('rail.data', { n: data.rows })}>
          {data.file}
        </Fact>
        <Fact name={t('runs.began')}>{formatMoment(createdAt)}</Fact>
        <Fact name={t('runs.took')}>{formatDuration(progress.seconds)}</Fact>
        {detail && <Fact name={t('runs.size')}>{formatBytes(detail.size.total)}</Fact>}
      </Facts>
      {changed.length > 0 && (
        <p className="remark">
          {t('runs.recipe')}: {formatList(changed)}
        </p>
      )}
      <Names id={id} head={head} />
      {detail && <Checkpoints id={id} checkpoints={detail.checkpoints} />}
      {detail && <Samples samples={detail.curves.filter((record) => record.kind === 'sample')} />}
      <Actions id={id} head={head} detail={detail} />
    </section>
  );
}

function Names({ id, head }: { id: string; head: Head }) {
  const change = useStudio((state) => state.changeRun);
  // Null while it is not being changed: a number may be added to a name that another run has.
  const [typed, setName] = useState<string | null>(null);
  const name = typed ?? head.name;
  const [note, setNote] = useState(head.note);
  const [tags, setTags] = useState(head.tags.join(', '));
  // Each field saves itself alone: it does not know what another one is about to save.
  const keepName = () => {
    const wanted = name.trim();
    if (wanted === '' || wanted === head.name) return setName(null);
    void change(id, { name: wanted }).then(() => setName(null));
  };
  const keepTags = () => {
    const wanted = parseTags(tags);
    setTags(wanted.join(', '));
    if (wanted.join() !== head.tags.join()) void change(id, { tags: wanted });
  };
  const keepNote = () => {
    if (note !== head.note) void change(id, { note });
  };
  return (
    <div className="run__names">
      <TextField className="field" value={name} onChange={setName} onBlur={keepName}>
        <Label>{t('runs.name')}</Label>
        <Input />
      </TextField>
      <TextField className="field" value={tags} onChange={setTags} onBlur={keepTags}>
        <Label>{t('runs.tags')}</Label>
        <Input placeholder={t('runs.tagsHint')} />
      </TextField>
      <TextField className="field" value={note} onChange={setNote} onBlur={keepNote}>
        <Label>{t('runs.note')}</Label>
        <TextArea rows={1} placeholder={t('runs.noteHint')} />
      </TextField>
    </div>
  );
}

function Actions({ id, head, detail }: { id: string; head: Head; detail: RunDetail | null }) {
  const working = useStudio((state) => state.runs.working);
  const exported = useStudio((state) => (state.runs.exported?.id === id ? state.runs.exported.file : null));
  const training = head.status === 'running' || head.status === 'elsewhere';
  const busy = useStudio((state) => busyWith(state) !== null) || working !== null;
  const exportRun = useStudio((state) => state.exportRun);
  const free = useStudio((state) => state.freeRun);
  const remove = useStudio((state) => state.removeRun);
  const setFields = useStudio((state) => state.setFields);
  const freed = detail?.size.forResume ?? 0;
  return (
    <div className="row row--tight">
      <Button className="button button--small" isDisabled={busy} onPress={() => setFields(head.recipe)}>
        {t('runs.useRecipe')}
      </Button>
      {exported ? (
        <Button className="button button--small" onPress={() => downloadFile(exported, exported.name)}>
          <Icon name="download" />
          {t('runs.exported', { name: exported.name, size: formatBytes(exported.size) })}
        </Button>
      ) : (
        <Button
          className="button button--small"
          isDisabled={working !== null}
          onPress={() => void exportRun(id)}
        >
          {t(working?.kind === 'exporting' ? 'runs.exporting' : 'runs.export')}
        </Button>
      )}
      {!training && head.status !== 'done' && <ClusterJob id={id} busy={busy} />}
      {freed > 0 && head.status === 'done' && (
        <Button
          className="button button--small"
          isDisabled={busy}
          aria-description={t('runs.freeHelp')}
          onPress={() => void free(id)}
        >
          {t('runs.free', { size: formatBytes(freed) })}
        </Button>
      )}
      {!training && (
        <Button
          className="button button--small"
          isDisabled={busy}
          aria-label={t('runs.deleteName', { name: head.name })}
          onPress={() => remove(id)}
        >
          {t('runs.delete')}
        </Button>
      )}
    </div>
  );
}

/** The rest of a run as a job for a cluster. */
function ClusterJob({ id, busy }: { id: string; busy: boolean }) {
  const job = useStudio((state) => (state.runs.job?.id === id ? state.runs.job.file : null));
  const isMaking = useStudio(({ runs }) => runs.working?.kind === 'exportingJob' && runs.working.id === id);
  const possible = useStudio((state) => canOpenModel(state, id));
  const exportJob = useStudio((state) => state.exportJob);
  if (job)
    return (
      <>
        <Button className="button button--small" onPress={() => downloadFile(job, job.name)}>
          <Icon name="download" />
          {t('runs.exported', { name: job.name, size: formatBytes(job.size) })}
        </Button>
        <span className="remark">{t('runs.jobRun')}</span>
      </>
    );
  return (
    <Button
      className="button button--small"
      isDisabled={busy || !possible}
      aria-description={t('runs.jobHelp')}
      onPress={() => void exportJob(id)}
    >
      {t(isMaking ? 'runs.jobMaking' : 'runs.job')}
    </Button>
  );
}
