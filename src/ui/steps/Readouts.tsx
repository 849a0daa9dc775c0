import { useSyncExternalStore, type ReactNode } from 'react';
import { ProgressBar } from 'react-aria-components';
import { metrics, useStudio } from '../../store/index.ts';
import {
  formatBytes,
  formatCompact,
  formatCount,
  formatDuration,
  formatLoss,
  formatSmall,
} from '../format.ts';
import { t } from '../text/index.ts';

/** The numbers of the run, read off at most five times a second. */
export function Readouts() {
  useSyncExternalStore(metrics.subscribe, metrics.version);
  const { totalSteps, trainableParameters, plan, outcome, status } = useStudio((state) => state.run);
  const latest = metrics.latest;
  const evaluation = metrics.evaluations.at(-1);
  const step = latest?.step ?? 0;
  const share = totalSteps > 0 ? Math.min(1, step / totalSteps) : 0;
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
        <Readout name={t('train.loss')} large note={t('train.smoothed')}>
          {formatLoss(metrics.at('smoothed', metrics.length - 1))}
        </Readout>
        <Readout name={t('train.step')} large note={totalSteps > 0 && t('train.of', { total: totalSteps })}>
          {formatCount(step)}
        </Readout>
        <Readout name={outcome ? t('train.timeTaken') : t('train.timeLeft')} large>
          {outcome ? formatDuration(outcome.seconds) : formatDuration(latest?.secondsLeft ?? NaN)}
        </Readout>
        <Readout name={t('train.tokensPerSecond')} large>
          {formatCompact(latest?.tokensPerSecond ?? NaN)}
        </Readout>
        {evaluation && <Readout name={t('train.eval')}>{formatLoss(evaluation.loss)}</Readout>}
        <Readout name={t('train.lr')}>{formatSmall(latest?.lr ?? NaN)}</Readout>
        <Readout name={t('train.gradNorm')}>{formatLoss(latest?.gradNorm ?? NaN)}</Readout>
        <Readout
          name={t('train.memory')}
          note={plan && t('train.memoryPlanned', { planned: formatBytes(plan.total) })}
        >
          {formatBytes(latest?.gpuBytes ?? NaN)}
        </Readout>
        <Readout name={t('train.trainable')}>{formatCompact(trainableParameters || NaN)}</Readout>
      </dl>
      {latest?.skipped && <p className="instrument__warning">{t('train.skipped')}</p>}
    </>
  );
}

interface ReadoutProps {
  name: string;
  children: ReactNode;
  note?: ReactNode;
  large?: boolean;
}

function Readout({ name, children, note, large = false }: ReadoutProps) {
  return (
    <div className="readout" data-large={large}>
      <dt>{name}</dt>
      <dd>
        {children}
        {note && <span className="readout__note">{note}</span>}
      </dd>
    </div>
  );
}
