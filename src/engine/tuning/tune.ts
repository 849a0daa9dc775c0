import type { Product } from '../gpu/choices.ts';
import type { Gpu } from '../gpu/device.ts';
import { matmulCandidates, problemOf, type MatmulAdapter } from '../kernels/matmulVariants.ts';
import type { TunedKernels } from './tunedKernels.ts';
import { flopsOf } from './products.ts';
import { tuneProduct, type Tuned } from './tuneProduct.ts';

/** Products with larger operands, in bytes, are not measured. */
const MAX_BYTES = 512 * 2 ** 20;

/** Limits and callbacks of tuning. */
export interface TuneOptions {
  signal: AbortSignal;
  /** Maximum seconds for one run of a product: larger ones keep their default. No limit if omitted. */
  maxSeconds?: number;
  onTuned?(product: Product, tuned: Tuned): void;
}

/**
 * Tunes the products that have not been measured, smallest first, and saves each result at once: an interruption loses
 * only one. Does not change the device's own choices. Throws what the device reports, what the folder throws, and the
 * signal's reason.
 * @param gpu preferably a separate device, so that a failure affects nothing else
 * @returns number of products measured
 */
export async function tune(
  gpu: Gpu,
  products: readonly Product[],
  results: TunedKernels,
  { signal, maxSeconds = Infinity, onTuned }: TuneOptions,
): Promise<number> {
  let measured = 0;
  let secondsPerFlop = 0;
  for (const product of toMeasure(gpu, products, results)) {
    if (flopsOf(product) * secondsPerFlop > maxSeconds) {
      results.leaveOut(product);
      continue;
    }
    const tuned = await tuneProduct(gpu, product, signal);
    secondsPerFlop = tuned.trials[0]!.seconds / flopsOf(product);
    results.set(product, tuned.best === tuned.trials[0]!.variant ? null : tuned.best);
    await results.save();
    measured += 1;
    onTuned?.(product, tuned);
  }
  return measured;
}

/** The products that have several candidates and no result yet. */
export function toMeasure(
  gpu: MatmulAdapter & Pick<Gpu, 'maxBinding'>,
  products: readonly Product[],
  results: TunedKernels,
): Product[] {
  return products.filter((product) => {
    const { m, n, k } = product;
    const sizes = [m * n, n * k, m * k].map((count) => 4 * count);
    const fits = Math.max(...sizes) <= gpu.maxBinding && sizes.reduce((a, b) => a + b) <= MAX_BYTES;
    const several = matmulCandidates(problemOf(product), gpu).length > 1;
    return fits && several && !results.has(product);
  });
}
