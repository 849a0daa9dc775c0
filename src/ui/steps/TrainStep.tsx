import { metrics, useStudio } from '../../store/index.ts';
import { plannedSteps } from '../../store/plan.ts';
import { isTraining } from '../../store/state.ts';
import { blockReason } from '../../store/steps.ts';
import { LossChart } from '../charts/LossChart.tsx';
import { ErrorNotice, Notice } from '../controls/Notice.tsx';
import { ProgressLine } from '../controls/ProgressLine.tsx';
import { formatDuration, formatLoss } from '../format.ts';
import { DeveloperPanel } from '../profile/DeveloperPanel.tsx';
import { InterruptedRun } from '../runs/InterruptedRun.tsx';
import { RunHistory } from '../runs/RunHistory.tsx';
import { RunSafety } from '../runs/RunSafety.tsx';
import { SamplePrompts, Samples } from '../runs/Samples.tsx';
import { TrainControls } from '../runs/TrainControls.tsx';
import { Step } from '../Step.tsx';
import { detailText, t } from '../text/index.ts';
import { MetricsTable } from './MetricsTable.tsx';
import { Readouts } from './Readouts.tsx';
import { RunMemory } from './RunMemory.tsx';

/** Step 4: the run. */
export function TrainStep() {
  const run = useStudio((state) => state.run);
  const dismiss = useStudio((state) => state.dismissRunError);
  const reason = useStudio((state) => blockReason(state, 'train'));
  const draft = useStudio((state) => state.recipe.draft);
  const rows = useStudio((state) => state.dataset.tokenized?.rows ?? 0);
  const began = run.status !== 'idle';
  return (
    <Step id="train">
      <ErrorNotice error={run.error} onDismiss={dismiss} />
      <InterruptedRun />
      {!isTraining({ run }) && <SamplePrompts />}
      <div className="launch">
        <TrainControls />
        <p className="launch__note">
          {run.status === 'preparing' || run.status === 'stopping' ? (
            <span className="launch__phase">
              {run.status === 'stopping'
                ? t('train.stopping')
                : run.phase && !run.loading
                  ? t(`phase.${run.phase}`)
                  : t('train.preparing')}
            </span>
          ) : run.status === 'running' ? (
            run.phase && t(`phase.${run.phase}`)
          ) : reason ? (
            t(`block.${reason}`)
          ) : (
            rows > 0 && t('recipe.estimate', { n: plannedSteps(draft, rows), rows })
          )}
        </p>
      </div>
      {run.loading && <ProgressLine label={t('train.loading')} progress={run.loading} />}
      <RunSafety />
      {run.notKept && <Notice tone="info">{t('train.notKept', { detail: detailText(run.notKept) })}</Notice>}
      {began && (
        <div className="instrument">
          <Readouts />
          <LossChart />
        </div>
      )}
      {run.outcome && <Outcome />}
      <Samples samples={run.samples} />
      {began && <MetricsTable />}
      {began && <RunMemory />}
      {began && <DeveloperPanel />}
      <RunHistory />
    </Step>
  );
}

function Outcome() {
  const outcome = useStudio((state) => state.run.outcome);
  if (!outcome) return null;
  const { ended, steps, seconds, finalLoss, best } = outcome;
  const text = {
    paused: t('train.paused', { n: steps }),
    stopped: t('train.stopped', { n: steps }),
    early: t('train.endedEarly', { n: steps }),
    whole: t('train.done', {
      n: steps,
      time: formatDuration(seconds),
      first: formatLoss(metrics.at('loss', 0)),
      last: formatLoss(finalLoss),
    }),
  }[ended];
  return (
    <Notice tone={ended === 'whole' || ended === 'early' ? 'good' : 'info'}>
      {text} {best && t('train.best', { step: best.step, loss: formatLoss(best.loss) })}
    </Notice>
  );
}
