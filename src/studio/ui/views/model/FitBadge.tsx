import { budgetOf, fitOf } from '../../../store/memory.ts';
import { useStudio } from '../../../store/index.ts';
import { Icon, type IconName } from '../../controls/Icon.tsx';
import { formatBytes } from '../../format.ts';
import { t } from '../../text/index.ts';

const icons = {
  unknown: 'info',
  fits: 'check',
  streams: 'check',
  tight: 'info',
  over: 'warning',
  refused: 'warning',
} as const satisfies Record<string, IconName>;

/** Whether training the open model with the recipe fits the GPU, in numbers; advice only, it blocks nothing. */
export function FitBadge() {
  const plan = useStudio((state) => state.memory.plan);
  const planning = useStudio((state) => state.memory.planning);
  const budget = useStudio(budgetOf);
  const maxBinding = useStudio((state) => state.device.report?.maxBindingBytes ?? null);
  if (!plan) return null;
  const fit = fitOf(plan, budget, maxBinding);
  const total = formatBytes(plan.total);
  return (
    <section className="fit" data-fit={fit} aria-label={t('fit.label')} aria-busy={planning}>
      <span className="fit__badge">
        <Icon name={icons[fit]} />
        {t(`fit.${fit}`, { total })}
      </span>
      <p>
        {t(`fit.help.${fit}`, {
          total,
          budget: formatBytes(budget ?? NaN),
          bytes: formatBytes(plan.largestBinding.bytes),
          max: formatBytes(maxBinding ?? NaN),
        })}
      </p>
    </section>
  );
}
