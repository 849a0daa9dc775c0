import { useSyncExternalStore } from 'react';
import { metrics, useStudio } from '../../store/index.ts';
import { budgetOf } from '../../store/memory.ts';
import { MemoryBar } from '../charts/MemoryBar.tsx';
import { Fold } from '../controls/Fold.tsx';
import { formatBytes } from '../format.ts';
import { t } from '../text/index.ts';
import { MemoryTable } from './MemoryTable.tsx';

/** What the run takes of the GPU's memory, by part, beside what was planned. */
export function RunMemory() {
  useSyncExternalStore(metrics.subscribe, metrics.version);
  const plan = useStudio((state) => state.run.plan);
  const budget = useStudio(budgetOf);
  const { latest } = metrics;
  if (!latest) return null;
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
