import type { RunState } from '../../store/state/run.ts';
import { t } from '../text/index.ts';

/** What a run that is under way waits for, in words; of one that takes steps, that it prepares. */
export function waitText({
  phase,
  phaseCount,
  loading,
}: Pick<RunState, 'phase' | 'phaseCount' | 'loading'>): string {
  if (loading) return t(loading.phase === 'adapter' ? 'wait.adapter' : 'wait.weights');
  switch (phase) {
    case 'answering':
    case 'evaluating':
      return t(`wait.${phase}`, { n: phaseCount });
    case 'firstStep':
    case 'adapter':
    case 'weights':
      return t(`wait.${phase}`);
    default:
      return phase ? t(`phase.${phase}`) : t('train.preparing');
  }
}
