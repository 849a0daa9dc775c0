import { useEffect, useId } from 'react';
import { Label, Slider, SliderThumb, SliderTrack } from 'react-aria-components';
import { useStudio } from '../../../store/index.ts';
import { shownRecipe } from '../../../store/steps.ts';
import { levelAt } from '../../../store/memory.ts';
import { isTraining } from '../../../store/state.ts';
import type { OffloadLevel } from '../../../../hosts/browser/protocol.ts';
import { Fold } from '../../controls/Fold.tsx';
import { formatBytes } from '../../format.ts';
import { t } from '../../text/index.ts';

/** The GPU memory budget of a run: from everything resident down to the minimum it can work with. */
export function BudgetFold() {
  const budget = useStudio((state) => shownRecipe(state).memory_budget);
  const note = budget === 0 ? t('budget.none') : formatBytes(budget);
  return (
    <Fold title={t('budget.label')} note={note}>
      <BudgetSlider />
    </Fold>
  );
}

function BudgetSlider() {
  const levels = useStudio((state) => state.memory.levels);
  const budget = useStudio((state) => shownRecipe(state).memory_budget);
  const setFields = useStudio((state) => state.setFields);
  const watchLevels = useStudio((state) => state.watchLevels);
  const disabled = useStudio(isTraining);
  const helpId = useId();
  useEffect(() => {
    watchLevels(true);
    return () => watchLevels(false);
  }, [watchLevels]);
  if (!levels) return <p className="remark">{t('fit.planning')}</p>;
  if (levels.length < 2) return <p className="remark">{t('budget.onlyWay')}</p>;
  const last = levels.length - 1;
  const chosen = levelAt(levels, budget);
  const level = levels[chosen]!;
  const total = formatBytes(level.memory.total);
  return (
    <div className="budget">
      <Slider
        className="slider slider--wide"
        value={last - chosen}
        minValue={0}
        maxValue={last}
        step={1}
        isDisabled={disabled}
        onChange={(position) =>
          setFields({ memory_budget: position === last ? 0 : levels[last - position]!.memory.total })
        }
      >
        <Label>{t('budget.most')}</Label>
        <output className="slider__value">{chosen === 0 ? t('budget.none') : total}</output>
        <SliderTrack className="slider__track">
          <span className="slider__fill" style={{ width: `${(1 - chosen / last) * 100}%` }} />
          <SliderThumb className="slider__thumb" aria-describedby={helpId} />
        </SliderTrack>
      </Slider>
      <p className="remark" id={helpId}>
        <LevelText level={level} whole={levels[0]!} />
      </p>
    </div>
  );
}

function LevelText({ level, whole }: { level: OffloadLevel; whole: OffloadLevel }) {
  const layers = useStudio((state) => state.model.summary?.layers ?? 0);
  const { slots, ends, spill } = level.streaming;
  if (level === whole) return t('budget.resident', { total: formatBytes(whole.memory.total) });
  // Offloaded weights are loaded once for the forward and once for the backward pass.
  const read = 2 * Math.max(0, whole.memory.parts.weights - level.memory.parts.weights);
  return [
    ...(slots === null ? [] : [t('budget.slots', { n: slots, layers })]),
    ...(ends ? [t('budget.ends')] : []),
    ...(spill ? [t('budget.spill')] : []),
    read > 0 ? t('budget.cost', { size: formatBytes(read) }) : t('budget.costSome'),
  ].join(' ');
}
