import { Button } from 'react-aria-components';
import { metrics, useStudio } from '../../store/index.ts';
import { plannedSteps } from '../../store/plan.ts';
import { isTraining } from '../../store/state.ts';
import { blockReason } from '../../store/steps.ts';
import { LossChart } from '../charts/LossChart.tsx';
import { Icon } from '../controls/Icon.tsx';
import { ErrorNotice, Notice } from '../controls/Notice.tsx';
import { ProgressLine } from '../controls/ProgressLine.tsx';
import { formatDuration, formatLoss } from '../format.ts';
import { DeveloperPanel } from '../profile/DeveloperPanel.tsx';
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
      <div className="launch">
        <TrainButton />
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
      {run.notKept && <Notice tone="info">{t('train.notKept', { detail: detailText(run.notKept) })}</Notice>}
      {began && (
        <div className="instrument">
          <Readouts />
          <LossChart />
        </div>
      )}
      {run.outcome && <Outcome />}
      {began && <MetricsTable />}
      {began && <RunMemory />}
      {began && <DeveloperPanel />}
    </Step>
  );
}

function TrainButton() {
  const status = useStudio((state) => state.run.status);
  const training = useStudio(isTraining);
  const blocked = useStudio((state) => blockReason(state, 'train') !== null);
  const train = useStudio((state) => state.train);
  const stopTraining = useStudio((state) => state.stopTraining);
  if (training) {
    return (
      <Button
        className="button button--large"
        isDisabled={status === 'stopping'}
        onPress={() => void stopTraining()}
      >
        <Icon name="stop" />
        {t('train.stop')}
      </Button>
    );
  }
  return (
    <Button
      className="button button--primary button--large"
      isDisabled={blocked}
      onPress={() => void train()}
    >
      {t(status === 'idle' ? 'train.start' : 'train.again')}
    </Button>
  );
}

function Outcome() {
  const outcome = useStudio((state) => state.run.outcome);
  if (!outcome) return null;
  if (outcome.stopped) return <Notice tone="info">{t('train.stopped', { n: outcome.steps })}</Notice>;
  return (
    <Notice tone="good">
      {t('train.done', {
        n: outcome.steps,
        time: formatDuration(outcome.seconds),
        first: formatLoss(metrics.at('loss', 0)),
        last: formatLoss(outcome.finalLoss),
      })}
    </Notice>
  );
}
