import { Button } from 'react-aria-components';
import { useStudio } from '../../store/index.ts';
import { canOpenModel } from '../../store/runs.ts';
import type { ViewId } from '../../store/state/view.ts';
import { busyWith, isTraining } from '../../store/state.ts';
import { canResume } from '../../store/steps.ts';
import { Notice } from '../controls/Notice.tsx';
import { t } from '../text/index.ts';

/** The newest interrupted or paused run, with a button to resume it; the run that the view itself resumes is left out. */
export function InterruptedRun({ view }: { view: ViewId }) {
  const resume = useStudio((state) => state.resumeRun);
  const showView = useStudio((state) => state.showView);
  const busy = useStudio((state) => busyWith(state) !== null);
  const training = useStudio(isTraining);
  const shown = useStudio((state) => (view === 'train' && canResume(state) ? state.run.id : null));
  const entry = useStudio(({ runs }) =>
    runs.entries.find(
      // A sweep goes on with its runs itself.
      ({ head }) => head?.sweep === null && (head.status === 'cut' || head.status === 'paused'),
    ),
  );
  const possible = useStudio((state) => entry !== undefined && canOpenModel(state, entry.id));
  if (!entry?.head || training || entry.id === shown) return null;
  const { name, progress, status, base } = entry.head;
  return (
    <Notice tone="info">
      <p className="notice__what">
        {t(status === 'paused' ? 'runs.interruptedPaused' : 'runs.interrupted', {
          name,
          step: progress.step,
          total: progress.totalSteps,
        })}
      </p>
      {!possible && <p>{t('runs.needsModel', { model: base.name })}</p>}
      <div className="row row--tight">
        {possible ? (
          <Button
            className="button button--primary"
            isDisabled={busy}
            aria-label={t('runs.resumeName', { name })}
            onPress={() => void resume(entry.id)}
          >
            {t('runs.resume')}
          </Button>
        ) : (
          <Button className="button button--small" onPress={() => showView('model')}>
            {t('next.go', { view: t('view.model') })}
          </Button>
        )}
      </div>
    </Notice>
  );
}
