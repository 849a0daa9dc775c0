import { useState } from 'react';
import type { SampledGroup } from '../../../store/state/run.ts';
import type { ChartModel } from '../../charts/chartModel.ts';
import { useChartCursor } from '../../charts/useChart.ts';
import { formatSmall } from '../../format.ts';
import { t } from '../../text/index.ts';
import { stepText, StepSlider } from './Samples.tsx';

/**
 * The answers of a group that GRPO was just given, with their rewards, the best first: of the step that the charts point at,
 * or the one that is chosen here; without either the latest.
 */
export function Completions({ groups, charts }: { groups: readonly SampledGroup[]; charts: ChartModel }) {
  const cursor = useChartCursor(charts);
  const [chosen, setChosen] = useState<number | null>(null);
  const wanted = cursor ?? chosen ?? Infinity;
  const at = Math.max(
    0,
    groups.findLastIndex(({ step }) => step <= wanted),
  );
  const group = groups[at];
  if (!group) return null;
  const answers = group.answers.toSorted((a, b) => (b.reward ?? -Infinity) - (a.reward ?? -Infinity));
  const steps = groups.map(({ step }) => step);
  return (
    <div className="part samples">
      <div className="part__head">
        <h3>{t('completions.title', { step: stepText(group.step) })}</h3>
        <StepSlider
          steps={steps}
          at={at}
          onStep={(step) => {
            setChosen(step === steps.at(-1) ? null : step);
            charts.point(step);
          }}
        />
      </div>
      <p className="samples__question">{group.prompt}</p>
      <ol className="completions" aria-label={t('completions.answers')}>
        {answers.map(({ text, reward }, i) => (
          // oxlint-disable-next-line react/no-array-index-key -- a group may have the same answer several times
          <li key={i}>
            <span className="number completions__reward">
              {reward === null ? t('completions.noReward') : formatSmall(reward)}
            </span>
            <span>{text.trim() === '' ? t('samples.empty') : text}</span>
          </li>
        ))}
      </ol>
    </div>
  );
}
