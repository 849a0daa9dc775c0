import type { CurveRecord } from '../../hosts/browser/protocol.ts';
import { Metrics, type Column } from './metrics.ts';

/** What runs can be compared by. */
export const comparedMetrics = ['smoothed', 'evaluation', 'lr', 'gradNorm', 'tokensPerSecond'] as const;
export type ComparedMetric = (typeof comparedMetrics)[number];
/** By optimizer step, or by seconds of training without its pauses. */
export type ComparedAxis = 'step' | 'time';

/** Pixel columns that a compared curve is thinned to. */
const WIDTH = 800;

/**
 * A curve of several runs on the union of their places on the axis, in the form of a chart, and the last value of each.
 */
export function comparedCurves(
  runs: readonly (readonly CurveRecord[])[],
  metric: ComparedMetric = 'smoothed',
  axis: ComparedAxis = 'step',
): {
  /** Steps or seconds, then one column per run; undefined where a run has no such place, null where it has no value. */
  columns: (number | null | undefined)[][];
  last: number[];
} {
  const curves = runs.map((records) => curveOf(records, metric, axis));
  const places = [...new Set(curves.flatMap((curve) => [...curve.keys()]))].sort((a, b) => a - b);
  return {
    columns: [places, ...curves.map((curve) => places.map((place) => curve.get(place)))],
    last: curves.map((curve) => [...curve.values()].findLast((value) => value !== null) ?? NaN),
  };
}

function curveOf(
  records: readonly CurveRecord[],
  metric: ComparedMetric,
  axis: ComparedAxis,
): Map<number, number | null> {
  const metrics = new Metrics();
  metrics.restore(
    records,
    records.reduce((most, { step }) => Math.max(most, step), 0),
  );
  const placeOf = axis === 'step' ? (step: number) => step : secondsOf(metrics);
  if (metric === 'evaluation')
    return new Map(
      metrics.evaluations.map(({ step, loss }) => [placeOf(step), Number.isFinite(loss) ? loss : null]),
    );
  const { steps, values } = metrics.columnData(metric satisfies Column, {
    from: 0,
    to: Infinity,
    width: WIDTH,
  });
  return new Map(steps.map((step, i) => [placeOf(step), values[i]!]));
}

/** Seconds of training from the first step to a step; 0 before. */
function secondsOf(metrics: Metrics): (step: number) => number {
  const elapsed = new Float64Array(metrics.length);
  for (let row = 1; row < metrics.length; row++) {
    const seconds = metrics.at('seconds', row);
    elapsed[row] = elapsed[row - 1]! + (Number.isFinite(seconds) ? seconds : 0);
  }
  return (step) => (step === 0 ? 0 : (elapsed[metrics.rowNear(step)] ?? 0));
}
