import { Button } from 'react-aria-components';
import { useStudio } from '../../store/index.ts';
import { busyWith } from '../../store/state.ts';
import { ErrorNotice, Notice } from '../controls/Notice.tsx';
import { t } from '../text/index.ts';
import { shownName } from './shownName.ts';

/** What of the open project needs the user: files that only they can open, another tab, a save that failed. */
export function ProjectNotices() {
  const { open, missingModel, missingData, notSaved, error } = useStudio((state) => state.projects);
  const view = useStudio((state) => state.view);
  const showView = useStudio((state) => state.showView);
  const dismiss = useStudio((state) => state.dismissProjectsError);
  const allow = useStudio((state) => state.allowModel);
  const busy = useStudio((state) => busyWith(state) !== null);
  if (!open?.readOnly && !missingModel && missingData === null && !notSaved && !error) return null;
  return (
    <div className="project-notices">
      <ErrorNotice error={error ?? notSaved} onDismiss={dismiss} />
      {open?.readOnly && <ReadOnly />}
      {missingModel && (
        <Notice tone="info">
          <p className="notice__what">
            {t(missingModel.handle ? 'projects.allowModel' : 'projects.dropModel', {
              name: missingModel.name,
            })}
          </p>
          <div className="row row--tight">
            {missingModel.handle ? (
              <Button className="button button--primary" isDisabled={busy} onPress={() => void allow()}>
                {t('projects.allow', { name: missingModel.name })}
              </Button>
            ) : (
              view !== 'model' && (
                <Button className="button button--small" onPress={() => showView('model')}>
                  {t('next.go', { view: t('view.model') })}
                </Button>
              )
            )}
          </div>
        </Notice>
      )}
      {missingData !== null && (
        <Notice tone="info">
          <p className="notice__what">{t('projects.dropData', { name: missingData })}</p>
        </Notice>
      )}
    </div>
  );
}

function ReadOnly() {
  const entry = useStudio(({ projects }) => projects.entries.find(({ id }) => id === projects.open?.id));
  const duplicate = useStudio((state) => state.duplicateProject);
  const showView = useStudio((state) => state.showView);
  return (
    <Notice tone="warning">
      <p className="notice__what">{t('projects.readOnly')}</p>
      <p>{t('projects.readOnlyNext')}</p>
      {entry?.project && (
        <div className="row row--tight">
          <Button
            className="button button--small"
            onPress={() => {
              void duplicate(entry.id, t('projects.copyOf', { name: shownName(entry.project!) }));
              showView('home');
            }}
          >
            {t('projects.workOnCopy')}
          </Button>
        </div>
      )}
    </Notice>
  );
}
