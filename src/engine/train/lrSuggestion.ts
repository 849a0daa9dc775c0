/** A step of the sweep. */
export interface LrPoint {
  lr: number;
  /** Mean over the step's targets. */
  loss: number;
  /** By `changeOf`. */
  change: number;
  /** Moving average of the changes up to here, without its bias to the start. */
  smoothed: number;
}

/** What a sweep suggests. */
export interface LrSuggestion {
  /** The suggested learning rate. */
  lr: number;
  /** The rate where the loss was lowest: above it, it rises. */
  lowest: number;
  /** The fall there, as a part of the loss before. */
  fall: number;
}

/** Weight of what came before in the moving average that is shown as the sweep goes on. */
const SMOOTHING = 0.8;

/** Half the width of the window that falls are sought in, as a part of the sweep. Centred: it shifts nothing. */
const HALF_WINDOW = 0.04;

/** The least fall that is a fall, as a part of the loss: half a percent. */
const LEAST_FALL = 0.005;

/** The suggestion, as a part of the rate where the loss is lowest. */
const BELOW_LOWEST = 0.5;

/** How many standard errors of the smoothed curve a fall must be. */
const CLEAR = 4;

/** Averages values as they come. */
export class MovingAverage {
  #sum = 0;
  #weight = 0;

  /** @returns the average up to here */
  add(value: number): number {
    this.#sum = SMOOTHING * this.#sum + (1 - SMOOTHING) * value;
    this.#weight = SMOOTHING * this.#weight + (1 - SMOOTHING);
    return this.#sum / this.#weight;
  }
}

/**
 * The change of a step's loss against the same rows before the sweep, as a part of what it was: −0.1 is a tenth less.
 * Where it was below the mean of all rows, as a part of that: rows that a model knows already have next to no loss, and
 * any step would multiply it.
 */
export function changeOf(loss: number, before: number, meanBefore: number): number {
  return (loss - before) / Math.max(before, meanBefore);
}

/**
 * The learning rate that a sweep suggests: half of the one where the smoothed loss is lowest: short runs train about
 * best there (docs/benchmarks.md). Null where it does not clearly fall: by less than half a percent, or than the noise from one
 * batch to the next.
 */
export function suggestLr(points: readonly LrPoint[]): LrSuggestion | null {
  const half = Math.max(1, Math.round(points.length * HALF_WINDOW));
  if (points.length < 4 * half) return null;
  const changes = points.map(({ change }) => change);
  const curve = smooth(changes, half);
  const lowest = indexOfLeast(curve);
  const fall = -curve[lowest]!;
  if (fall < Math.max(LEAST_FALL, CLEAR * standardError(points, lowest, half))) return null;
  return { lr: points[lowest]!.lr * BELOW_LOWEST, lowest: points[lowest]!.lr, fall };
}

/** The mean of each value and the `half` before and behind it. */
function smooth(values: readonly number[], half: number): number[] {
  return values.map((_, i) => {
    const window = values.slice(Math.max(0, i - half), i + half + 1);
    return window.reduce((a, b) => a + b, 0) / window.length;
  });
}

/**
 * The standard error of a mean over a window, by the scatter from one step to the next, to which a trend adds nothing: up
 * to where the loss is lowest, a quarter of the sweep at least.
 */
function standardError(points: readonly LrPoint[], lowest: number, half: number): number {
  const end = Math.max(lowest + half, Math.ceil(points.length / 4));
  const steps = points.slice(1, end + 1).map(({ change }, i) => (change - points[i]!.change) ** 2 / 2);
  const variance = steps.reduce((a, b) => a + b, 0) / steps.length;
  return Math.sqrt(variance / (2 * half + 1));
}

function indexOfLeast(values: readonly number[]): number {
  return values.reduce((best, value, i) => (value < values[best]! ? i : best), 0);
}
