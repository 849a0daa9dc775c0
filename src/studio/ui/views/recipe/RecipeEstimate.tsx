import { useStudio } from '../../../store/index.ts';
import { timeEstimate } from '../../../store/pace.ts';
import { plannedSteps } from '../../../store/plan.ts';
import { formatBytes, formatCompact, formatCount, formatDuration, formatList } from '../../format.ts';
import { Fact, Facts } from '../../controls/Facts.tsx';
import { t } from '../../text/index.ts';

/** Estimates for a run with the current recipe: steps, time if measured here, memory, and trained parameters. */
export function RecipeEstimate() {
  const device = useStudio((state) => state.device);
  const model = useStudio((state) => state.model);
  const dataset = useStudio((state) => state.dataset);
  const recipe = useStudio((state) => state.recipe);
  const memory = useStudio((state) => state.memory);
  // Measurements are in the browser's storage: re-renders after a run has ended.
  useStudio((state) => state.run.status === 'done');
  const time = timeEstimate({ device, model, dataset, recipe });
  const rows = dataset.tokenized?.rows ?? dataset.summary?.rows ?? 0;
  const held = dataset.tokenized?.evalRows ?? 0;
  if (rows === 0 && !memory.plan) return null;
  const { plan } = memory;
  return (
    <section className="estimate" aria-label={t('estimate.title')} aria-busy={memory.planning}>
      <Facts>
        {rows > 0 && (
          <Fact
            name={t('estimate.steps')}
            note={
              held > 0
                ? formatList([t('estimate.rows', { n: rows }), t('held.fact', { n: held })])
                : t('estimate.rows', { n: rows })
            }
          >
            {formatCount(plannedSteps(recipe.draft, rows))}
          </Fact>
        )}
        <Fact
          name={t('estimate.time')}
          note={time && t('estimate.measured', { speed: formatCompact(time.tokensPerSecond) })}
        >
          {time ? formatDuration(time.seconds) : t('estimate.noTime')}
        </Fact>
        {plan && <Fact name={t('estimate.memory')}>{formatBytes(plan.total)}</Fact>}
        {plan && (
          <Fact
            name={t('estimate.trainable')}
            note={
              model.summary &&
              t('estimate.share', {
                share: percent(plan.trainableParameters / Math.max(1, model.summary.parameters)),
              })
            }
          >
            {formatCompact(plan.trainableParameters)}
          </Fact>
        )}
      </Facts>
    </section>
  );
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(2))} %`;
}
