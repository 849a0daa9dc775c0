import type { PlannedRun } from '../../../../hosts/browser/protocol.ts';
import { useStudio } from '../../../store/index.ts';
import { budgetOf } from '../../../store/memory.ts';
import { MemoryBar } from '../../charts/MemoryBar.tsx';
import { Fold } from '../../controls/Fold.tsx';
import { ErrorNotice } from '../../controls/Notice.tsx';
import { formatBytes, formatCount } from '../../format.ts';
import { t } from '../../text/index.ts';
import { GpuMemoryField } from '../../frame/GpuMemoryField.tsx';
import { FitBadge } from '../model/FitBadge.tsx';
import { BudgetFold } from './BudgetSlider.tsx';
import { MemoryAdvice } from './MemoryAdvice.tsx';
import { MemoryTable } from './MemoryTable.tsx';

/** The recipe's GPU memory use, and what to change if it is too much. */
export function MemoryPanel() {
  const { plan, planning, onData, error } = useStudio((state) => state.memory);
  const hasModel = useStudio((state) => state.model.status === 'ready');
  const budget = useStudio(budgetOf);
  return (
    <section className="part memory" aria-labelledby="memory-title" aria-busy={planning}>
      <div className="part__head">
        <h3 id="memory-title">{t('memory.title')}</h3>
        {plan && (
          <p className="memory__total" data-planning={planning}>
            <strong>{t('memory.total', { total: formatBytes(plan.total) })}</strong>
            {budget !== null && <span>{t('memory.ofBudget', { budget: formatBytes(budget) })}</span>}
          </p>
        )}
      </div>
      <ErrorNotice error={error} />
      {!plan && !error && <p className="remark">{t(hasModel ? 'fit.planning' : 'memory.waits')}</p>}
      {plan && (
        <>
          <MemoryBar parts={plan.parts} total={plan.total} budget={budget} />
          <FitBadge />
          <GpuMemoryField explained />
          <MemoryAdvice plan={plan} budget={budget} />
          <p className="remark">
            {t('unit.sentences', {
              first: t('memory.trainable', { n: plan.trainableParameters }),
              second: t(onData ? 'memory.onData' : 'memory.onLongest', { n: formatCount(plan.tokens) }),
            })}
          </p>
          <Notes plan={plan} />
          <BudgetFold />
          <Fold title={t('memory.table')}>
            <MemoryTable planned={plan.parts} />
          </Fold>
        </>
      )}
    </section>
  );
}

/** What the plan has decided for this model and device. */
function Notes({ plan: { embeddingOnDisk, activations, streaming } }: { plan: PlannedRun }) {
  // With a budget the slider says that both matrices are on disk.
  const onDisk = embeddingOnDisk > 0 && !streaming.ends;
  const notes = [
    ...(onDisk ? [t('memory.embeddingOnDisk', { size: formatBytes(embeddingOnDisk) })] : []),
    ...(activations === 'f16' ? [t('memory.inF16')] : []),
  ];
  return notes.map((note) => (
    <p key={note} className="remark">
      {note}
    </p>
  ));
}
