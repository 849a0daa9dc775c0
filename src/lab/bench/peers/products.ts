import type { Gpu } from '../../../engine/gpu/device.ts';
import type { Contestant, Peer } from './contestant.ts';
import { graftProduct } from './graftProduct.ts';
import { interleave, type Times } from './measure.ts';
import { differenceOf, errorOf, makeFourBit, makeProduct, type ProductShape } from './product.ts';

/** Graft's products, in the order of the tables. */
export const graftForms = ['f32 NT', 'f32 NN', 'nf4 NT', 'nf4 NN', 'int4 NT', 'int4 NN'] as const;
export type GraftForm = (typeof graftForms)[number];

/** Libraries that multiply. */
export const peerNames = ['onnxruntime', 'jax-js', 'tfjs'] as const;
export type PeerName = (typeof peerNames)[number];

/** Number of measurements per contestant, and which contestants take part. */
export interface ProductsOptions {
  rounds: number;
  forms?: readonly GraftForm[];
  /** Milliseconds that a sample takes at least: shorter products are repeated in it. */
  sample?: number;
}

/** Times of a shape's contestants: Graft's by form, a peer's by its name, its 4-bit product as `<name> int4`. */
export type ProductTimes = Map<string, Times>;

/** Larger relative errors mean that a contestant computed something else. */
const TOLERANCE = 2e-5;

/**
 * Measures one product after checking every result: against sums in f64 at 256 elements, and a peer's against Graft's
 * everywhere. Throws if they differ by more than rounding.
 */
export async function measureProduct(
  gpu: Gpu,
  peers: Readonly<Record<string, Peer>>,
  shape: ProductShape,
  { rounds, forms = graftForms, sample = 0 }: ProductsOptions,
): Promise<ProductTimes> {
  const { n, k } = shape;
  const product = makeProduct(shape);
  const { x, w, wt } = product;
  const contestants = new Map<string, Contestant>();
  const outputs = new Map<string, Float32Array>();
  const add = async (name: string, contestant: Contestant, values: Float32Array, byRow: boolean) => {
    contestants.set(name, contestant);
    const output = await contestant.output();
    const error = errorOf(output, shape, x, values, byRow);
    // A NaN is no small error.
    if (!(error < TOLERANCE))
      throw new Error(`${name} at ${nameOf(shape)} is wrong: relative error ${error}`);
    outputs.set(name, output);
  };
  const compare = (name: string, ours: GraftForm) => {
    const expected = outputs.get(ours);
    const difference = expected ? differenceOf(outputs.get(name)!, expected) : 0;
    if (!(difference < 10 * TOLERANCE))
      throw new Error(`${name} at ${nameOf(shape)} differs from ours by ${difference}`);
  };
  try {
    for (const form of forms) {
      const [kind, layout] = form.split(' ') as ['f32' | 'nf4' | 'int4', 'NT' | 'NN'];
      const byRow = layout === 'NN';
      const [rows, cols] = byRow ? [k, n] : [n, k];
      const fourBit = kind === 'f32' ? null : makeFourBit(kind, rows, cols);
      const values = fourBit?.values ?? (byRow ? w : wt);
      const weight = kind === 'f32' ? { kind, values: byRow ? w : wt } : { kind, codes: fourBit! };
      await add(form, graftProduct(gpu, shape, layout, x, weight), values, byRow);
    }
    for (const [name, peer] of Object.entries(peers)) {
      await add(name, await peer.dense(product), w, true);
      compare(name, 'f32 NN');
      if (!peer.int4) continue;
      const codes = makeFourBit('int4', n, k);
      await add(`${name} int4`, await peer.int4(product, codes), codes.values, false);
      compare(`${name} int4`, 'int4 NT');
    }
    outputs.clear();
    const repeats = new Map<string, number>();
    for (const [name, { run }] of contestants) repeats.set(name, await repeatsFor(run, sample));
    const runs = [...contestants].map(([name, { run }]) => [name, () => run(repeats.get(name))] as const);
    const times = await interleave(new Map(runs), rounds);
    return new Map([...times].map(([name, total]) => [name, divided(total, repeats.get(name)!)]));
  } finally {
    for (const contestant of contestants.values()) await contestant.dispose();
  }
}

/** No more results than this are held at a time. */
const MAX_REPEATS = 32;

/** How often a product is computed until that takes `sample` milliseconds. */
async function repeatsFor(run: Contestant['run'], sample: number): Promise<number> {
  if (sample === 0) return 1;
  const start = performance.now();
  await run();
  return Math.max(1, Math.min(MAX_REPEATS, Math.ceil(sample / (performance.now() - start))));
}

function divided({ median, min, work }: Times, by: number): Times {
  return { median: median / by, min: min / by, work: work === null ? null : work / by };
}

/** `128 × 896 · 896 × 4864`, as products are commonly written. */
export function nameOf({ m, n, k }: ProductShape): string {
  return `${m} × ${k} · ${k} × ${n}`;
}
