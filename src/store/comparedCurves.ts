import type { CurveRecord } from '../workers/protocol.ts';
import { Metrics } from './metrics.ts';

/** The smoothed losses of several runs over the union of their steps, as a chart takes them, and the last of each. */
export function comparedCurves(runs: readonly (readonly CurveRecord[])[]): {
  /** Steps, then a column a run; null where a run has no such step. */
  columns: (number | null)[][];
  last: number[];
} {
  const curves = runs.map((records) => {
    const metrics = new Metrics();
    metrics.restore(
      records,
      records.reduce((most, { step }) => Math.max(most, step), 0),
    );
    const { steps, smoothed } = metrics.chartData();
    return new Map(steps.map((step, i) => [step, smoothed[i] ?? null]));
  });
  const steps = [...new Set(curves.flatMap((curve) => [...curve.keys()]))].sort((a, b) => a - b);
  return {
    columns: [steps, ...curves.map((curve) => steps.map((step) => curve.get(step) ?? null))],
    last: curves.map((curve) => [...curve.values()].findLast((loss) => loss !== null) ?? NaN),
  };
}
