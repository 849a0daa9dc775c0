/**
 * Decay of the smoothed loss for a run of that many steps: the average spans about a fifteenth of the run, between 4
 * and 20 steps, so that it doesn't lag in a short run.
 */
export function smoothingFor(totalSteps: number): number {
  return 1 - 1 / Math.min(20, Math.max(4, totalSteps / 15));
}

/**
 * Exponential moving average of a curve, a value at a time. It begins at zero and is divided by the weight gathered so
 * far, so that it is unbiased from the first value.
 */
export class Smoother {
  #average = 0;
  #weight = 0;

  /** @param decay from 0, the raw curve, to below 1 */
  constructor(readonly decay: number) {}

  /** The average with one more value; one that is not finite leaves it as it is. NaN before the first finite one. */
  next(value: number): number {
    if (Number.isFinite(value)) {
      this.#average = this.decay * this.#average + (1 - this.decay) * value;
      this.#weight = this.decay * this.#weight + (1 - this.decay);
    }
    return this.#weight > 0 ? this.#average / this.#weight : NaN;
  }
}

/** The smoothed curve of a raw one. */
export function smoothed(values: readonly number[], decay: number): number[] {
  const smoother = new Smoother(decay);
  return values.map((value) => smoother.next(value));
}
