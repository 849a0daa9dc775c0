import { useSyncExternalStore } from 'react';
import { metrics } from '../../../store/index.ts';
import type { ChartModel } from '../../charts/chartModel.ts';
import { SmallChart } from '../../charts/SmallChart.tsx';
import { formatBytes, formatCompact, formatLoss, formatSmall } from '../../format.ts';
import { t } from '../../text/index.ts';

/** What preference training moves: the rewards of better and worse answers, and what is between them. */
function RewardCharts({ charts }: { charts: ChartModel }) {
  return (
    <>
      <SmallChart charts={charts} name={t('train.margin')} column="margin" format={formatSigned} />
      <SmallChart charts={charts} name={t('train.accuracy')} column="accuracy" format={formatShare} />
      <SmallChart
        charts={charts}
        name={t('train.rewardChosen')}
        column="rewardChosen"
        format={formatSigned}
      />
      <SmallChart
        charts={charts}
        name={t('train.rewardRejected')}
        column="rewardRejected"
        format={formatSigned}
      />
    </>
  );
}

/** What GRPO moves: how answers are rewarded, how long they are, and how far the model has gone from what it was. */
function CompletionCharts({ charts }: { charts: ChartModel }) {
  const hasReference = metrics.latest?.completions?.kl !== null;
  return (
    <>
      <SmallChart charts={charts} name={t('train.reward')} column="reward" format={formatSigned} />
      <SmallChart charts={charts} name={t('train.rewardStd')} column="rewardStd" format={formatSigned} />
      <SmallChart
        charts={charts}
        name={t('train.completionLength')}
        column="completionLength"
        format={formatCompact}
      />
      <SmallChart
        charts={charts}
        name={t('train.withoutSpread')}
        column="withoutSpread"
        format={formatShare}
      />
      {hasReference && <SmallChart charts={charts} name={t('train.kl')} column="kl" format={formatSigned} />}
    </>
  );
}

const formatSigned = (value: number) => (Number.isFinite(value) ? value.toFixed(3) : '–');
const formatShare = (value: number) => (Number.isFinite(value) ? `${Math.round(100 * value)}%` : '–');

/** What moves with the loss, over the same steps. */
export function SmallCharts({ charts }: { charts: ChartModel }) {
  useSyncExternalStore(metrics.subscribe, metrics.version);
  return (
    <div className="small-charts">
      <SmallChart charts={charts} name={t('train.lr')} column="lr" format={formatSmall} />
      <SmallChart charts={charts} name={t('train.gradNorm')} column="gradNorm" format={formatLoss} />
      <SmallChart
        charts={charts}
        name={t('train.tokensPerSecond')}
        column="tokensPerSecond"
        format={formatCompact}
      />
      <SmallChart charts={charts} name={t('train.memory')} column="gpuBytes" format={formatBytes} />
      {metrics.latest?.rewards && <RewardCharts charts={charts} />}
      {metrics.latest?.completions && <CompletionCharts charts={charts} />}
    </div>
  );
}
