import { useStudio } from '../store/index.ts';
import type { Milestone } from '../store/state/run.ts';
import { formatLoss } from './format.ts';
import { t } from './text/index.ts';

/** Announces milestones to screen readers, without the noise of numbers in between. */
export function Announcer() {
  const milestone = useStudio((state) => state.milestone);
  return (
    <output className="hidden" aria-live="polite">
      {milestone && sentence(milestone)}
    </output>
  );
}

function sentence(milestone: Milestone): string {
  switch (milestone.kind) {
    case 'modelsFound':
      return t('say.modelsFound', { n: milestone.found });
    case 'dataReady':
      return t('say.dataReady', { n: milestone.rows });
    case 'trainingStarted':
      return t('say.trainingStarted', { n: milestone.steps });
    case 'trainingProgress':
      return t('say.trainingProgress', { percent: milestone.percent, loss: formatLoss(milestone.loss) });
    case 'trainingDone':
      return t('say.trainingDone', { loss: formatLoss(milestone.loss) });
    case 'sweepDone':
      return t('say.sweepDone', { n: milestone.runs });
    case 'modelReady':
    case 'downloadDone':
    case 'exportDone':
    case 'pushDone':
      return t(`say.${milestone.kind}`, { name: milestone.name });
    case 'profileDone':
      return t('say.profileDone', { step: milestone.step });
    case 'trainingPaused':
    case 'trainingRecovers':
      return t(`say.${milestone.kind}`, { step: milestone.step });
    case 'storageFull':
    case 'trainingFailed':
    case 'answersDone':
    case 'benchmarkDone':
      return t(`say.${milestone.kind}`);
  }
}
