import { useSyncExternalStore, type ReactNode } from 'react';
import { ProgressBar } from 'react-aria-components';
import { metrics, useStudio } from '../../../store/index.ts';
import { formatBytes, formatCompact, formatCount, formatDuration, formatLoss } from '../../format.ts';
import { t } from '../../text/index.ts';

/** The numbers of the run, updated at most five times a second. */
export function Readouts() {
  useSyncExternalStore(metrics.subscribe, metrics.version);
  const { totalSteps, trainableParameters, plan, outcome, status } = useStudio((state) => state.run);
  const latest = metrics.latest;
  const evaluation = metrics.evaluations.at(-1);
  const step = latest?.step ?? 0;
  const share = totalSteps > 0 ? Math.min(1, step / totalSteps) : 0;
  const facts = [
    ...(trainableParameters > 0
      ? [t('train.trainableCount', { count: formatCompact(trainableParameters) })]
      : []),
    ...(plan ? [t('train.memoryPlanned', { planned: formatBytes(plan.total) })] : []),
  ];
  return (
    <>
      <ProgressBar
        className="instrument__progress"
        aria-label={t('train.progress')}
        maxValue={totalSteps || 1}
        value={step}
        data-waiting={latest === null && status !== 'failed'}
      >
        <div style={{ transform: `scaleX(${share})` }} />
      </ProgressBar>
      <dl className="readouts">
        <Readout name={t('train.smoothedLoss')}>{formatLoss(metrics.smoothedLoss)}</Readout>
        {evaluation && <Readout name={t('train.eval')}>{formatLoss(evaluation.loss)}</Readout>}
        <Readout name={t('train.step')} note={totalSteps > 0 && t('train.of', { total: totalSteps })}>
          {formatCount(step)}
        </Readout>
        <Readout name={outcome ? t('train.timeTaken') : t('train.timeLeft')}>
          {outcome ? formatDuration(outcome.seconds) : formatDuration(latest?.secondsLeft ?? NaN)}
        </Readout>
        <Readout name={t('train.meanSpeed')}>{formatCompact(metrics.meanTokensPerSecond)}</Readout>
      </dl>
      {facts.length > 0 && <p className="instrument__facts">{facts.join(' · ')}</p>}
      {latest?.skipped && <p className="instrument__warning">{t('train.skipped')}</p>}
    </>
  );
}

function Readout({ name, children, note }: { name: string; children: ReactNode; note?: ReactNode }) {
  return (
    <div className="readout">
      <dt>{name}</dt>
      <dd>
        {children}
        {note && <span className="readout__note">{note}</span>}
      </dd>
    </div>
  );
}
