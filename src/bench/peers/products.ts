import type { Gpu } from '../../gpu/device.ts';
import type { Contestant, Peer } from './contestant.ts';
import { graftProduct } from './graftProduct.ts';
import { interleave, type Times } from './measure.ts';
import { differenceOf, errorOf, makeFourBit, makeProduct, type ProductShape } from './product.ts';

/** Our products, in the order of the tables. */
export const graftForms = ['f32 NT', 'f32 NN', 'nf4 NT', 'nf4 NN', 'int4 NT', 'int4 NN'] as const;
export type GraftForm = (typeof graftForms)[number];

/** Libraries that multiply. */
export const peerNames = ['onnxruntime', 'jax-js', 'tfjs'] as const;
export type PeerName = (typeof peerNames)[number];

/** How many times each contestant is measured, and which of them take part. */
export interface ProductsOptions {
  rounds: number;
  forms?: readonly GraftForm[];
}

/** Times of a shape's contestants: ours by form, a peer's by its name, its 4-bit product as `<name> int4`. */
export type ProductTimes = Map<string, Times>;

/** Relative errors above this mean that a contestant computed something else. */
const TOLERANCE = 2e-5;

/**
 * Measures one product. Before that every result is compared: with sums in f64 at 256 places, and a peer's with
 * ours everywhere. Throws where they differ by more than rounding.
 */
export async function measureProduct(
  gpu: Gpu,
  peers: Readonly<Record<string, Peer>>,
  shape: ProductShape,
  { rounds, forms = graftForms }: ProductsOptions,
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
    return await interleave(new Map([...contestants].map(([name, { run }]) => [name, run])), rounds);
  } finally {
    for (const contestant of contestants.values()) await contestant.dispose();
  }
}

/** `128 × 896 · 896 × 4864`, as people write products. */
export function nameOf({ m, n, k }: ProductShape): string {
  return `${m} × ${k} · ${k} × ${n}`;
}
