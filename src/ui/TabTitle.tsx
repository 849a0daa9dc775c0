import { useEffect, useSyncExternalStore } from 'react';
import { metrics, useStudio } from '../store/index.ts';
import { isTraining } from '../store/state.ts';
import { formatShare } from './format.ts';
import { t } from './text/index.ts';

/** Shows how far the training is in the title of the tab, for those who look elsewhere meanwhile. */
export function TabTitle() {
  useSyncExternalStore(metrics.subscribe, metrics.version);
  const training = useStudio(isTraining);
  const total = useStudio((state) => state.run.totalSteps);
  const step = metrics.latest?.step ?? 0;
  const title =
    training && total > 0 ? t('app.titleTraining', { share: formatShare(step / total) }) : t('app.title');
  useEffect(() => {
    document.title = title;
  }, [title]);
  return null;
}
