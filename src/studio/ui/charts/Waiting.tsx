import { useEffect, useState } from 'react';
import { useStudio } from '../../store/index.ts';
import { firstStepEstimate } from '../../store/pace.ts';
import { isTraining } from '../../store/state.ts';
import { formatDuration } from '../format.ts';
import { waitText } from '../frame/waitText.ts';
import { t } from '../text/index.ts';

/** Before the first step: what the page waits for, and about how long. */
export function Waiting() {
  const run = useStudio((state) => state.run);
  const training = useStudio(isTraining);
  const estimate = useStudio(firstStepEstimate);
  const [now, setNow] = useState(Date.now);
  const counts = training && estimate !== null;
  useEffect(() => {
    if (!counts) return;
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [counts]);
  const left = estimate === null ? NaN : estimate - (now - run.startedAt) / 1000;
  return (
    <div className="chart__waiting">
      <p>{training ? waitText(run) : t('train.waiting')}</p>
      {training && left >= 1 && <p>{t('wait.left', { time: formatDuration(left) })}</p>}
      {training && left < 1 && <p>{t('wait.longer')}</p>}
    </div>
  );
}
