import type { Product } from '../gpu/choices.ts';
import type { Commands } from '../gpu/commands.ts';
import type { Gpu } from '../gpu/device.ts';
import { DryGpu } from '../gpu/dryGpu.ts';
import { byteLengthOf, elementsOf, type Tensor } from '../gpu/tensor.ts';
import { readFloats } from '../gpu/transfer.ts';
import { matmul } from '../kernels/matmul.ts';
import { matmulCandidates, problemOf, type MatmulVariant } from '../kernels/matmulVariants.ts';
import { Inputs } from '../speed/inputs.ts';
import { Repeater } from '../speed/repeater.ts';

/** Another kernel must take at most this fraction of the default's time. */
const ENOUGH = 0.9;
/** Runs are repeated within a submit until it takes this many seconds, up to a maximum count. */
const SAMPLE = 0.02;
const MAX_REPEATS = 64;
/** Timed runs after the warm-up. */
const RUNS = 2;
/** Number of elements to compare: all, or this many in pieces spread over the result. */
const COMPARED = 1 << 20;
const PIECE = 1 << 16;

/** A kernel tried for a product. */
export interface Trial {
  variant: MatmulVariant;
  /** Seconds of its fastest run. */
  seconds: number;
  /** Whether its result equals the default's. */
  equal: boolean;
}

/** The tuning result of a product. */
export interface Tuned {
  /** The best kernel: the default unless another is at least a tenth faster with an equal result. */
  best: MatmulVariant;
  /** All candidates, the default first. */
  trials: Trial[];
}

/**
 * Measures the candidates for a product on random data of its sizes: one warm-up and two timed runs each, interleaved.
 * Throws what the device reports, and the signal's reason, between submits.
 * @param candidates the kernels to measure, the default first
 */
export async function tuneProduct(
  gpu: Gpu,
  product: Product,
  signal: AbortSignal,
  candidates: readonly MatmulVariant[] = matmulCandidates(problemOf(product), gpu),
): Promise<Tuned> {
  const inputs = new Inputs(gpu);
  const repeaters = new Map<MatmulVariant, Repeater>();
  try {
    const factors = factorsOf(product, inputs);
    const trials: Trial[] = [];
    let expected: Float32Array[] | null = null;
    for (const variant of candidates) {
      signal.throwIfAborted();
      const repeater = await prepared(gpu, (commands) => matmul(commands, { ...factors, variant }));
      repeaters.set(variant, repeater);
      // A previous kernel's result must not pass for this one's.
      gpu.device.queue.writeBuffer(factors.c.buffer, factors.c.offset, poison(factors.c));
      await repeater.seconds(1);
      signal.throwIfAborted();
      const result = await sampleOf(gpu, factors.c);
      expected ??= result;
      trials.push({ variant, seconds: Infinity, equal: agree(expected, result, product) });
    }
    await time(repeaters, trials, signal);
    return { best: bestOf(trials), trials };
  } finally {
    for (const repeater of repeaters.values()) repeater.dispose();
    inputs.dispose();
  }
}

/** The fastest kernel whose result equals the default's, if it is fast enough; else the default. */
export function bestOf(trials: readonly Trial[]): MatmulVariant {
  const [first, ...others] = trials as [Trial, ...Trial[]];
  let best = first;
  for (const trial of others) {
    if (trial.equal && trial.seconds <= ENOUGH * first.seconds && trial.seconds < best.seconds) best = trial;
  }
  return best.variant;
}

/**
 * Whether two results differ only by the order of f32 summation. Rounding errors grow with the square root of the
 * depth, and scale with the largest sums.
 * @param expected pieces of the default's result
 */
export function agree(
  expected: readonly Float32Array[],
  actual: readonly Float32Array[],
  { k, c }: Pick<Product, 'k' | 'c'>,
): boolean {
  let largest = 0;
  let difference = 0;
  expected.forEach((piece, p) => {
    const other = actual[p]!;
    for (let i = 0; i < piece.length; i++) {
      largest = Math.max(largest, Math.abs(piece[i]!));
      difference = Math.max(difference, Math.abs(piece[i]! - other[i]!));
    }
  });
  const rounding = Math.sqrt(k) * 2 ** -22 + (c === 'f16' ? 2 ** -10 : 0);
  // Not “>”: a NaN must count as different.
  return difference <= rounding * largest;
}

function factorsOf({ layout, m, n, k, a, c, w }: Product, inputs: Inputs) {
  const [rows, cols] = layout === 'NT' ? [n, k] : [k, n];
  return {
    layout,
    m,
    n,
    k,
    a: inputs.activations(a === 'f16' ? 'f16' : 'f32', ...(layout === 'TN' ? [k, m] : [m, k])),
    w: inputs.weight(w as Parameters<Inputs['weight']>[0], rows, cols),
    c: inputs.empty([m, n], c),
  };
}

/** Records work whose kernels are compiled first, without blocking JavaScript. */
async function prepared(gpu: Gpu, record: (commands: Commands) => void): Promise<Repeater> {
  const dry = new DryGpu(gpu, { recordsKernels: true });
  record(dry.commands());
  await gpu.kernels.prepare(dry.kernelUses);
  const repeater = new Repeater(gpu);
  try {
    record(repeater);
    return repeater;
  } catch (error) {
    repeater.dispose();
    throw error;
  }
}

async function time(
  repeaters: ReadonlyMap<MatmulVariant, Repeater>,
  trials: Trial[],
  signal: AbortSignal,
): Promise<void> {
  const first = repeaters.get(trials[0]!.variant)!;
  signal.throwIfAborted();
  const once = await first.seconds(1);
  const times = Math.min(MAX_REPEATS, Math.max(1, Math.ceil(SAMPLE / once)));
  for (let run = 0; run < RUNS; run++) {
    for (const trial of trials) {
      signal.throwIfAborted();
      const seconds = (await repeaters.get(trial.variant)!.seconds(times)) / times;
      trial.seconds = Math.min(trial.seconds, seconds);
    }
  }
}

/** Bytes that no product of random values results in: large f32, and large f16. */
function poison(tensor: Tensor): Uint8Array<ArrayBuffer> {
  return new Uint8Array(byteLengthOf(tensor)).fill(0x5b);
}

/** All of a small tensor, or pieces from its start to its end. */
async function sampleOf(gpu: Gpu, tensor: Tensor): Promise<Float32Array[]> {
  const count = elementsOf(tensor);
  if (count <= COMPARED) return [await readFloats(gpu, tensor)];
  const pieces = COMPARED / PIECE;
  const size = byteLengthOf({ type: tensor.type, shape: [PIECE] });
  const last = byteLengthOf(tensor) - size;
  const result: Float32Array[] = [];
  for (let i = 0; i < pieces; i++) {
    // Copies start at multiples of 4 bytes.
    const offset = tensor.offset + Math.floor((last * i) / (pieces - 1) / 4) * 4;
    result.push(await readFloats(gpu, { ...tensor, offset, shape: [PIECE] }));
  }
  return result;
}
