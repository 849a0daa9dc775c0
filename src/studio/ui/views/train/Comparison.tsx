import { useState } from 'react';
import { recipeDiff } from '../../../../base/config/recipeDiff.ts';
import { comparedMetrics, type ComparedAxis, type ComparedMetric } from '../../../store/comparedCurves.ts';
import { useStudio } from '../../../store/index.ts';
import type { RunHead } from '../../../store/runTable.ts';
import { SelectInput } from '../../controls/SelectInput.tsx';
import { fieldText, t } from '../../text/index.ts';
import { valueText } from '../recipe/recipeText.ts';
import { CompareChart } from './CompareChart.tsx';

/** The selected runs: their curves on one chart, and of two what differs in their recipes. */
export function Comparison() {
  const [metric, setMetric] = useState<ComparedMetric>('smoothed');
  const [axis, setAxis] = useState<ComparedAxis>('step');
  const compared = useStudio((state) => state.runs.compared);
  const entries = useStudio((state) => state.runs.entries);
  const heads = Object.keys(compared).flatMap((id) => entries.find((entry) => entry.id === id)?.head ?? []);
  const [first, second, ...others] = heads;
  return (
    <section className="comparison" aria-label={t('runs.comparison')}>
      <div className="comparison__choices">
        <SelectInput
          label={t('runs.by')}
          value={metric}
          options={comparedMetrics.map((value) => ({ value, label: t(`runs.metric.${value}`) }))}
          onChange={setMetric}
        />
        <SelectInput
          label={t('runs.over')}
          value={axis}
          options={(['step', 'time'] as const).map((value) => ({ value, label: t(`runs.axis.${value}`) }))}
          onChange={setAxis}
        />
      </div>
      <CompareChart curves={compared} metric={metric} axis={axis} />
      {first && second && others.length === 0 && <Difference first={first} second={second} />}
    </section>
  );
}

/** The settings that differ between two runs, and their model and data where those differ. */
function Difference({ first, second }: { first: RunHead; second: RunHead }) {
  const rows = [
    ...recipeDiff(first.recipe, second.recipe).map(({ key, before, after }) => ({
      key,
      name: fieldText(key).label,
      values: [valueText(before), valueText(after)],
    })),
    ...(['model', 'data'] as const).flatMap((key) => {
      const values = [first, second].map(({ base, data }) =>
        key === 'model' ? (base.repo ?? base.name) : data.file,
      );
      return values[0] === values[1] ? [] : [{ key, name: t(`runs.${key}`), values }];
    }),
  ];
  if (rows.length === 0) return <p className="remark">{t('runs.sameRecipe')}</p>;
  return (
    <table className="table comparison__table">
      <caption>{t('runs.difference')}</caption>
      <thead>
        <tr>
          <th scope="col">{t('runs.setting')}</th>
          <th scope="col">{first.name}</th>
          <th scope="col">{second.name}</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ key, name, values }) => (
          <tr key={key}>
            <th scope="row">{name}</th>
            <td>{values[0]}</td>
            <td>{values[1]}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
