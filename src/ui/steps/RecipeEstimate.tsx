import { useStudio } from '../../store/index.ts';
import { timeEstimate } from '../../store/pace.ts';
import { plannedSteps } from '../../store/plan.ts';
import { formatBytes, formatCompact, formatCount, formatDuration } from '../format.ts';
import { Fact, Facts } from '../controls/Facts.tsx';
import { t } from '../text/index.ts';

/** What a run by the recipe of now will take: steps, time where one was measured here, memory, and what it trains. */
export function RecipeEstimate() {
  const device = useStudio((state) => state.device);
  const model = useStudio((state) => state.model);
  const dataset = useStudio((state) => state.dataset);
  const recipe = useStudio((state) => state.recipe);
  const memory = useStudio((state) => state.memory);
  // What was measured is in the browser's storage: drawn again when a run has ended.
  useStudio((state) => state.run.status === 'done');
  const time = timeEstimate({ device, model, dataset, recipe });
  const rows = dataset.tokenized?.rows ?? dataset.summary?.rows ?? 0;
  if (rows === 0 && !memory.plan) return null;
  const { plan } = memory;
  return (
    <section className="part" aria-label={t('estimate.title')} aria-busy={memory.planning}>
      <Facts>
        {rows > 0 && (
          <Fact name={t('estimate.steps')} note={t('estimate.rows', { n: rows })}>
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
