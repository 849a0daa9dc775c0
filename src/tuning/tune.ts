import type { Product } from '../gpu/choices.ts';
import type { Gpu } from '../gpu/device.ts';
import { matmulCandidates, problemOf } from '../kernels/matmulVariants.ts';
import type { KeptChoices } from './keptChoices.ts';
import { flopsOf } from './products.ts';
import { tuneProduct, type Tuned } from './tuneProduct.ts';

/** Operands beyond so many bytes are not made only to measure with. */
const MOST_BYTES = 512 * 2 ** 20;

/** How tuning is bounded, and how it is heard of. */
export interface TuneOptions {
  signal: AbortSignal;
  /** Seconds that one run of a product may take: larger ones keep their default. Without it, any. */
  longest?: number;
  onTuned?(product: Product, tuned: Tuned): void;
}

/**
 * Measures the products that were not measured before, the smallest first, and keeps each at once: what interrupts it
 * loses one. The device's own choices are not changed. Throws what the device reports, what the folder throws, and the
 * signal's reason.
 * @param gpu better a device of its own: should it fail, nothing else does
 * @returns how many were measured
 */
export async function tune(
  gpu: Gpu,
  products: readonly Product[],
  kept: KeptChoices,
  { signal, longest = Infinity, onTuned }: TuneOptions,
): Promise<number> {
  let measured = 0;
  let secondsPerFlop = 0;
  for (const product of toMeasure(gpu, products, kept)) {
    if (flopsOf(product) * secondsPerFlop > longest) {
      kept.leaveOut(product);
      continue;
    }
    const tuned = await tuneProduct(gpu, product, signal);
    secondsPerFlop = tuned.trials[0]!.seconds / flopsOf(product);
    kept.set(product, tuned.best === tuned.trials[0]!.variant ? null : tuned.best);
    await kept.save();
    measured += 1;
    onTuned?.(product, tuned);
  }
  return measured;
}

/** The products of which there is something to find, and was not found yet. */
export function toMeasure(
  { subgroupSize, maxBinding }: Pick<Gpu, 'subgroupSize' | 'maxBinding'>,
  products: readonly Product[],
  kept: KeptChoices,
): Product[] {
  return products.filter((product) => {
    const { m, n, k } = product;
    const sizes = [m * n, n * k, m * k].map((count) => 4 * count);
    const fits = Math.max(...sizes) <= maxBinding && sizes.reduce((a, b) => a + b) <= MOST_BYTES;
    const several = matmulCandidates(problemOf(product), subgroupSize).length > 1;
    return fits && several && !kept.has(product);
  });
}
