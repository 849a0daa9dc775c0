import { useEffect, useSyncExternalStore } from 'react';
import { metrics, useStudio } from '../../store/index.ts';
import { isTraining } from '../../store/state.ts';
import { formatShare } from '../format.ts';
import { t } from '../text/index.ts';

/** Names the view in the tab's title, and shows the progress of training there. */
export function TabTitle() {
  useSyncExternalStore(metrics.subscribe, metrics.version);
  const training = useStudio(isTraining);
  const total = useStudio((state) => state.run.totalSteps);
  const step = metrics.latest?.step ?? 0;
  const view = useStudio((state) => state.view);
  const name = view === 'home' ? t('app.title') : t('app.titleView', { view: t(`view.${view}`) });
  const title =
    training && total > 0 ? t('app.titleTraining', { share: formatShare(step / total), title: name }) : name;
  useEffect(() => {
    document.title = title;
  }, [title]);
  return null;
}
