import { useSyncExternalStore, type ReactNode } from 'react';
import { Button } from 'react-aria-components';
import { metrics, useStudio } from '../../store/index.ts';
import { isDownloading } from '../../store/state/download.ts';
import type { RunState } from '../../store/state/run.ts';
import type { ViewId } from '../../store/state/view.ts';
import { isTraining } from '../../store/state.ts';
import { canResume } from '../../store/steps.ts';
import { Icon } from '../controls/Icon.tsx';
import { formatDuration, formatShare } from '../format.ts';
import { paceOf } from '../hub/pace.ts';
import { t } from '../text/index.ts';
import { waitText } from './waitText.ts';

/** What runs now, on every view, and how to pause or stop it. */
export function StatusStrip() {
  const view = useStudio((state) => state.view);
  const training = useStudio(isTraining);
  const downloading = useStudio(isDownloading) && view !== 'model';
  const merging = useStudio((state) => state.exporting.mergeStatus === 'working') && view !== 'export';
  const paused = useStudio(canResume) && view !== 'train' && view !== 'home';
  if (!training && !downloading && !merging && !paused) return null;
  return (
    <section className="status" aria-label={t('status.label')}>
      {training && <Training />}
      {paused && <Paused />}
      {downloading && <Downloading />}
      {merging && <Merging />}
    </section>
  );
}

interface LineProps {
  text: ReactNode;
  note?: ReactNode;
  /** From 0 to 1; null while unknown. */
  share: number | null;
  /** Where it is shown in full. */
  view: ViewId;
  children?: ReactNode;
}

function Line({ text, note, share, view, children }: LineProps) {
  const shown = useStudio((state) => state.view);
  const showView = useStudio((state) => state.showView);
  return (
    <div className="status__line">
      <span className="status__dot" aria-hidden="true" />
      <p className="status__text">
        {text}
        {note && <span className="status__note">{note}</span>}
      </p>
      <div className="row row--tight">
        {view !== shown && (
          <Button className="button button--small button--quiet" onPress={() => showView(view)}>
            {t('status.show')}
          </Button>
        )}
        {children}
      </div>
      <div className="status__bar" aria-hidden="true" data-waiting={share === null}>
        <div style={{ transform: `scaleX(${share ?? 0})` }} />
      </div>
    </div>
  );
}

function Training() {
  useSyncExternalStore(metrics.subscribe, metrics.version);
  const run = useStudio((state) => state.run);
  const stop = useStudio((state) => state.stopTraining);
  const pause = useStudio((state) => state.pauseTraining);
  const { status, totalSteps } = run;
  const { latest } = metrics;
  const left = latest?.secondsLeft ?? NaN;
  const going = status === 'preparing' || status === 'running' || status === 'recovering';
  return (
    <Line
      view="train"
      text={
        doing(run) ??
        (totalSteps > 0 && latest?.step === totalSteps
          ? t('status.finishing')
          : t('rail.training', { step: latest?.step ?? 0, total: totalSteps }))
      }
      note={Number.isFinite(left) && going && t('status.left', { time: formatDuration(left) })}
      share={latest && totalSteps > 0 ? Math.min(1, latest.step / totalSteps) : null}
    >
      {run.id !== null && (
        <Button className="button" isDisabled={status !== 'running'} onPress={() => void pause()}>
          <Icon name="pause" />
          {t('train.pause')}
        </Button>
      )}
      {!run.ofSweep && (
        <Button
          className="button"
          isDisabled={!going}
          aria-label={t('train.stop')}
          onPress={() => void stop()}
        >
          <Icon name="stop" />
          <span className="status__long" aria-hidden="true">
            {t('train.stop')}
          </span>
        </Button>
      )}
    </Line>
  );
}

/** The current activity, if it is other than taking steps. */
function doing(run: RunState): string | null {
  const { status, phase, checkpoint, resumed } = run;
  switch (status) {
    case 'stopping':
      return t('train.stopping');
    case 'pausing':
      return t('train.pausing');
    case 'recovering':
      return t('train.recovering', { step: checkpoint?.step ?? resumed?.step ?? 0 });
    case 'preparing':
      return waitText(run);
    default:
      return phase ? waitText(run) : null;
  }
}

function Paused() {
  const id = useStudio((state) => state.run.id);
  const resume = useStudio((state) => state.resumeRun);
  const steps = useStudio((state) => state.run.outcome?.steps ?? state.run.checkpoint?.step ?? 0);
  const total = useStudio((state) => state.run.totalSteps);
  return (
    <Line
      view="train"
      text={t('status.paused', { step: steps, total })}
      share={total > 0 ? Math.min(1, steps / total) : 0}
    >
      <Button className="button" onPress={() => id !== null && void resume(id)}>
        {t('runs.resume')}
      </Button>
    </Line>
  );
}

function Downloading() {
  const { model, progress, status } = useStudio((state) => state.download);
  const cancel = useStudio((state) => state.cancelDownload);
  const share = progress && progress.bytesTotal > 0 ? progress.bytesDone / progress.bytesTotal : null;
  return (
    <Line
      view="model"
      text={t('hub.downloading', { repo: model?.repo ?? '' })}
      note={share !== null && [formatShare(share), progress && paceOf(progress)].filter(Boolean).join(' · ')}
      share={share}
    >
      <Button
        className="button button--small"
        isDisabled={status === 'stopping'}
        onPress={() => void cancel()}
      >
        {t('hub.cancel')}
      </Button>
    </Line>
  );
}

function Merging() {
  const progress = useStudio((state) => state.exporting.mergeProgress);
  const cancel = useStudio((state) => state.cancelMerge);
  const share = progress && progress.total > 0 ? progress.done / progress.total : null;
  return (
    <Line
      view="export"
      text={t(progress?.phase === 'proving' ? 'phase.proving' : 'export.merging')}
      note={share !== null && formatShare(share)}
      share={share}
    >
      <Button className="button button--small" onPress={() => void cancel()}>
        {t('export.cancel')}
      </Button>
    </Line>
  );
}
