/** A step of the sweep. */
export interface LrPoint {
  lr: number;
  /** Mean over the step's targets. */
  loss: number;
  /** Exponential moving average of the losses up to here, without its bias to the start. */
  smoothed: number;
}

/** Weight of what came before in the average. fastai's 0.98 lags a quarter of the sweep behind where the loss explodes. */
const SMOOTHING = 0.9;

/** Shares of the sweep that suggestions leave out: a loss that is still settling, and one that explodes. */
const [SKIPPED_START, SKIPPED_END] = [0.1, 0.05];

/** Averages losses as they come. */
export class SmoothedLoss {
  #sum = 0;
  #weight = 0;

  /** @returns the average up to here */
  add(loss: number): number {
    this.#sum = SMOOTHING * this.#sum + (1 - SMOOTHING) * loss;
    this.#weight = SMOOTHING * this.#weight + (1 - SMOOTHING);
    return this.#sum / this.#weight;
  }
}

/**
 * Learning rates that a sweep speaks for; null where the loss never fell.
 * @returns `valley`: the middle of the longest fall (fastai's suggestion), the safer; `steepest`: where the loss falls most for a
 * factor of the rate (Smith, 2017)
 */
export function suggestLr(points: readonly LrPoint[]): { valley: number; steepest: number } | null {
  const start = Math.floor(points.length * SKIPPED_START);
  const used = points.slice(start, points.length - Math.floor(points.length * SKIPPED_END));
  const valley = valleyOf(used);
  const steepest = steepestOf(used);
  return valley === null || steepest === null ? null : { valley, steepest };
}

/** The middle of the longest falling subsequence of the curve. */
function valleyOf(points: readonly LrPoint[]): number | null {
  const lengths: number[] = [];
  const starts: number[] = [];
  let end = 0;
  points.forEach(({ smoothed }, i) => {
    lengths[i] = 1;
    starts[i] = i;
    for (let j = 0; j < i; j++) {
      if (smoothed < points[j]!.smoothed && lengths[i]! < lengths[j]! + 1) {
        lengths[i] = lengths[j]! + 1;
        starts[i] = starts[j]!;
      }
    }
    if (lengths[i]! > lengths[end]!) end = i;
  });
  // A fall of a few steps is noise.
  if (points.length === 0 || lengths[end]! < 4) return null;
  return points[Math.round((starts[end]! + end) / 2)]!.lr;
}

function steepestOf(points: readonly LrPoint[]): number | null {
  let best: { slope: number; lr: number } | null = null;
  for (let i = 1; i < points.length; i++) {
    const [before, after] = [points[i - 1]!, points[i]!];
    const slope = (after.smoothed - before.smoothed) / Math.log(after.lr / before.lr);
    if (slope < (best?.slope ?? 0)) best = { slope, lr: before.lr };
  }
  return best?.lr ?? null;
}
