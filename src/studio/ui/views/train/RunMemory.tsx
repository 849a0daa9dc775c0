import { useSyncExternalStore } from 'react';
import { metrics, useStudio } from '../../../store/index.ts';
import { budgetOf } from '../../../store/memory.ts';
import { MemoryBar } from '../../charts/MemoryBar.tsx';
import { Fold } from '../../controls/Fold.tsx';
import { formatBytes } from '../../format.ts';
import { t } from '../../text/index.ts';
import { MemoryTable } from '../recipe/MemoryTable.tsx';

/** The run's GPU memory use by part, compared with the plan. */
export function RunMemory() {
  useSyncExternalStore(metrics.subscribe, metrics.version);
  const plan = useStudio((state) => state.run.plan);
  const budget = useStudio(budgetOf);
  const { latest } = metrics;
  // Of a stored run's steps it is unknown.
  if (!latest || !Number.isFinite(latest.gpuBytes)) return null;
  const measured = formatBytes(latest.gpuBytes);
  return (
    <Fold
      title={t('train.memoryParts')}
      note={
        plan
          ? t('train.memoryPeakPlanned', { measured, planned: formatBytes(plan.total) })
          : t('train.memoryPeak', { measured })
      }
    >
      <div className="memory">
        <MemoryBar parts={latest.gpuParts} total={latest.gpuBytes} budget={budget} />
        <MemoryTable planned={plan?.parts ?? null} measured={latest.gpuParts} />
      </div>
    </Fold>
  );
}
