import { useEffect, useId } from 'react';
import { Label, Slider, SliderThumb, SliderTrack } from 'react-aria-components';
import { useStudio } from '../../store/index.ts';
import { rungAt } from '../../store/memory.ts';
import { isTraining } from '../../store/state.ts';
import type { StreamingRung } from '../../workers/protocol.ts';
import { Fold } from '../controls/Fold.tsx';
import { formatBytes } from '../format.ts';
import { t } from '../text/index.ts';

/** How much GPU memory a run may take: from everything there at once down to as little as it can work with. */
export function BudgetFold() {
  const budget = useStudio((state) => state.recipe.draft.memory_budget);
  const note = budget === 0 ? t('budget.none') : formatBytes(budget);
  return (
    <Fold title={t('budget.label')} note={note}>
      <BudgetSlider />
    </Fold>
  );
}

function BudgetSlider() {
  const rungs = useStudio((state) => state.memory.rungs);
  const budget = useStudio((state) => state.recipe.draft.memory_budget);
  const setFields = useStudio((state) => state.setFields);
  const watchRungs = useStudio((state) => state.watchRungs);
  const disabled = useStudio(isTraining);
  const helpId = useId();
  useEffect(() => {
    watchRungs(true);
    return () => watchRungs(false);
  }, [watchRungs]);
  if (!rungs) return <p className="remark">{t('fit.planning')}</p>;
  if (rungs.length < 2) return <p className="remark">{t('budget.onlyWay')}</p>;
  const last = rungs.length - 1;
  const chosen = rungAt(rungs, budget);
  const rung = rungs[chosen]!;
  const total = formatBytes(rung.memory.total);
  return (
    <div className="budget">
      <Slider
        className="slider slider--wide"
        value={last - chosen}
        minValue={0}
        maxValue={last}
        step={1}
        isDisabled={disabled}
        onChange={(place) =>
          setFields({ memory_budget: place === last ? 0 : rungs[last - place]!.memory.total })
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
        <RungText rung={rung} whole={rungs[0]!} />
      </p>
    </div>
  );
}

function RungText({ rung, whole }: { rung: StreamingRung; whole: StreamingRung }) {
  const layers = useStudio((state) => state.model.summary?.layers ?? 0);
  const { slots, ends, spill } = rung.streaming;
  if (rung === whole) return t('budget.resident', { total: formatBytes(whole.memory.total) });
  // What is not there comes once on the way forward and once on the way back.
  const read = 2 * Math.max(0, whole.memory.parts.weights - rung.memory.parts.weights);
  return [
    ...(slots === null ? [] : [t('budget.slots', { n: slots, layers })]),
    ...(ends ? [t('budget.ends')] : []),
    ...(spill ? [t('budget.spill')] : []),
    read > 0 ? t('budget.cost', { size: formatBytes(read) }) : t('budget.costSome'),
  ].join(' ');
}
