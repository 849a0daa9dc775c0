import { useEffect, useState } from 'react';
import { useStudio } from '../../../store/index.ts';
import { firstStepEstimate } from '../../../store/pace.ts';
import { plannedSteps } from '../../../store/plan.ts';
import { isTraining } from '../../../store/state.ts';
import { blockReason } from '../../../store/steps.ts';
import { ChartModel } from '../../charts/chartModel.ts';
import { LossChart } from '../../charts/LossChart.tsx';
import { ErrorNotice, Notice } from '../../controls/Notice.tsx';
import { ProgressLine } from '../../controls/ProgressLine.tsx';
import { InterruptedRun } from '../../frame/InterruptedRun.tsx';
import { InterruptedSweep } from '../../frame/InterruptedSweep.tsx';
import { View } from '../../frame/View.tsx';
import { DeveloperPanel } from '../../profile/DeveloperPanel.tsx';
import { formatDuration } from '../../format.ts';
import { detailText, t } from '../../text/index.ts';
import { MetricsTable } from './MetricsTable.tsx';
import { Outcome } from './Outcome.tsx';
import { Readouts } from './Readouts.tsx';
import { RunHistory } from './RunHistory.tsx';
import { RunMemory } from './RunMemory.tsx';
import { RunSafety } from './RunSafety.tsx';
import { Completions } from './Completions.tsx';
import { SamplePrompts, Samples } from './Samples.tsx';
import { SmallCharts } from './SmallCharts.tsx';
import { SweepPanel } from './SweepPanel.tsx';
import { TrainControls } from './TrainControls.tsx';

/** The run: its curve beside the answers that change with it. */
export function TrainView() {
  const run = useStudio((state) => state.run);
  const dismiss = useStudio((state) => state.dismissRunError);
  const training = isTraining({ run });
  const began = run.status !== 'idle';
  const [charts] = useState(() => new ChartModel());
  // What was in view belongs to the run before.
  useEffect(() => {
    charts.zoom(null);
    charts.point(null);
  }, [charts, run.startedAt]);
  return (
    <View id="train">
      <ErrorNotice error={run.error} onDismiss={dismiss} />
      <InterruptedRun view="train" />
      <InterruptedSweep />
      <div className="columns columns--wide run-view" data-began={began}>
        <div className="column">
          {began && (
            <div className="instrument">
              <Readouts />
              <LossChart charts={charts} />
              <SmallCharts charts={charts} />
            </div>
          )}
        </div>
        <div className="column panel">
          {!training && <Launch />}
          {run.tokenizing && <ProgressLine label={t('train.tokenizing')} progress={run.tokenizing} />}
          {run.loading && (
            <ProgressLine
              label={t(run.loading.phase === 'adapter' ? 'phase.adapter' : 'train.loading')}
              progress={run.loading}
            />
          )}
          <RunSafety />
          {run.notCached && (
            <Notice tone="info">{t('train.notCached', { detail: detailText(run.notCached) })}</Notice>
          )}
          {run.outcome && <Outcome />}
          <Samples samples={run.samples} charts={charts} />
          <Completions groups={run.groups} charts={charts} />
          {!training && <SamplePrompts />}
        </div>
      </div>
      <div className="panel run-folds">
        <SweepPanel />
        <RunHistory />
        {began && <MetricsTable />}
        {began && <RunMemory />}
        {began && <DeveloperPanel />}
      </div>
    </View>
  );
}

/** Starts or resumes a run, and says what it will be or why it can't be. */
function Launch() {
  const reason = useStudio((state) => blockReason(state, 'train'));
  const draft = useStudio((state) => state.recipe.draft);
  const rows = useStudio((state) => state.dataset.tokenized?.rows ?? 0);
  const firstStep = useStudio(firstStepEstimate);
  return (
    <div className="launch">
      <TrainControls />
      <p className="launch__note">
        {reason
          ? t(`block.${reason}`)
          : rows > 0 && t('recipe.estimate', { n: plannedSteps(draft, rows), rows })}
        {reason === null && firstStep !== null && (
          <span className="launch__first">{t('wait.estimate', { time: formatDuration(firstStep) })}</span>
        )}
      </p>
    </div>
  );
}
