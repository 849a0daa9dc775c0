import { Button } from 'react-aria-components';
import { metrics, useStudio } from '../../store/index.ts';
import { plannedSteps } from '../../store/plan.ts';
import type { RunState } from '../../store/runState.ts';
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
        <p className="launch__note" data-busy={isTraining({ run })}>
          {isTraining({ run })
            ? doing(run)
            : reason
              ? t(`block.${reason}`)
              : rows > 0 && t('recipe.estimate', { n: plannedSteps(draft, rows), rows })}
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

/** What the run is at, where the numbers below don't tell. */
function doing({ status, phase, loading, checkpoint, resumed }: RunState): string {
  switch (status) {
    case 'stopping':
      return t('train.stopping');
    case 'pausing':
      return t('train.pausing');
    case 'recovering':
      return t('train.recovering', { step: checkpoint?.step ?? resumed?.step ?? 0 });
    case 'preparing':
      return t(phase && !loading ? `phase.${phase}` : 'train.preparing');
    default:
      return phase ? t(`phase.${phase}`) : '';
  }
}

function Outcome() {
  const outcome = useStudio((state) => state.run.outcome);
  const hasAdapter = useStudio((state) => state.adapter?.origin === 'trained');
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
      <p>
        {best
          ? t('unit.sentences', {
              first: text,
              second: t('train.best', { step: best.step, loss: formatLoss(best.loss) }),
            })
          : text}
      </p>
      {ended !== 'paused' && hasAdapter && (
        <div className="row row--tight">
          <Button
            className="button button--small"
            onPress={() => {
              document.getElementById('try')?.scrollIntoView();
              document.querySelector<HTMLElement>('#try .prompt textarea')?.focus({ preventScroll: true });
            }}
          >
            {t('train.seeChange')}
          </Button>
        </div>
      )}
    </Notice>
  );
}
