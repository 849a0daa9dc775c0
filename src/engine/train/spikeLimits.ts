/** Losses and gradient norms of the last steps, the latest last. */
export interface SpikeWindow {
  losses: number[];
  norms: number[];
}

/** A step above either of these is left out. Exact in f32, so that the GPU and the report agree. */
export interface SpikeLimits {
  /** Mean loss of a target. */
  loss: number;
  gradNorm: number;
}

/** Steps of the window. */
const WINDOW = 128;

/** Fewer steps say too little: a run begins with large changes. */
const MIN_STEPS = WINDOW / 2;

/**
 * What a step must not exceed: the mean of the last 128 steps and `sigmas` of their standard deviations, for loss and
 * gradient norm (OLMo-core's SkipStepOptimizer). Null while there are fewer than 64, and with `sigmas` 0. A step that
 * was left out counts in the window all the same, so that data which has changed for good is taken after a few steps.
 */
export function spikeLimits({ losses, norms }: SpikeWindow, sigmas: number): SpikeLimits | null {
  if (sigmas === 0 || losses.length < MIN_STEPS) return null;
  return { loss: limitOf(losses, sigmas), gradNorm: limitOf(norms, sigmas) };
}

/** Adds a step to the window. Values that are not finite are left out. */
export function addToWindow({ losses, norms }: SpikeWindow, loss: number, gradNorm: number): void {
  if (!Number.isFinite(loss) || !Number.isFinite(gradNorm)) return;
  losses.push(loss);
  norms.push(gradNorm);
  if (losses.length > WINDOW) {
    losses.shift();
    norms.shift();
  }
}

function limitOf(values: readonly number[], sigmas: number): number {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  const squares = values.reduce((sum, x) => sum + (x - mean) ** 2, 0);
  return Math.fround(mean + sigmas * Math.sqrt(squares / (values.length - 1)));
}
