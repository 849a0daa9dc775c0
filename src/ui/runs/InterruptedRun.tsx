import { useEffect } from 'react';
import { Button } from 'react-aria-components';
import { useStudio } from '../../store/index.ts';
import { canOpenModel } from '../../store/runs.ts';
import { busyWith } from '../../store/state.ts';
import { Notice } from '../controls/Notice.tsx';
import { t } from '../text/index.ts';

/** The newest run that was cut off or paused, and the way to go on with it. */
export function InterruptedRun() {
  const ready = useStudio((state) => state.device.status === 'ready');
  const refresh = useStudio((state) => state.refreshRuns);
  const resume = useStudio((state) => state.resumeRun);
  const busy = useStudio((state) => busyWith(state) !== null);
  const idle = useStudio((state) => state.run.status === 'idle');
  const entry = useStudio(({ runs }) =>
    runs.entries.find(({ head }) => head?.status === 'cut' || head?.status === 'paused'),
  );
  const possible = useStudio((state) => entry !== undefined && canOpenModel(state, entry.id));
  useEffect(() => {
    if (ready) void refresh();
  }, [ready, refresh]);
  if (!entry?.head || !idle) return null;
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
      {possible ? (
        <Button
          className="button button--small"
          isDisabled={busy}
          aria-label={t('runs.resumeName', { name })}
          onPress={() => void resume(entry.id)}
        >
          {t('runs.resume')}
        </Button>
      ) : (
        <p>{t('runs.needsModel', { model: base.name })}</p>
      )}
    </Notice>
  );
}
