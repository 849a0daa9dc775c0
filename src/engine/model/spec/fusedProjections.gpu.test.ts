import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Gpu } from '../../gpu/device.ts';
import { expectClose, randomArray } from '../../../testing/compare.ts';
import { testGpu } from '../../../testing/gpu.ts';
import { refuseLeaks } from '../../../testing/leaks.ts';
import { batchOf, lossesAndGrads, modulesOf, randomRows, withMaxBinding } from '../../../testing/passes.ts';
import { tinyModel } from '../../../testing/tinyModel.ts';
import type { Decoder } from '../decoder/decoder.ts';
import { LoraAdapter } from '../trained/loraAdapter.ts';
import type { LoraModule } from '../trained/loraModules.ts';
import { closeDecoder, openDecoder } from '../weights/openDecoder.ts';
import { openModelFiles } from './openModel.ts';
import { groupsOf } from './fusedProjections.ts';
import { modulePath, type LinearSpec } from './spec.ts';

// With these sizes, matrices of fused projections can be adjacent, also A and B of rank 8.
const config = { hidden_size: 64, intermediate_size: 96, num_hidden_layers: 1 };
const batch = batchOf(randomRows([5, 8]));
const close = { atol: 2e-6, rtol: 2e-5 };

refuseLeaks();

let gpu: Gpu;
let decoder: Decoder;
beforeEach(async () => {
  gpu = await testGpu();
  decoder = await openDecoder(gpu, await openModelFiles(tinyModel({ config })), 'f32');
});
afterEach(() => {
  closeDecoder(decoder);
});

interface Result {
  losses: Float32Array;
  grads: Map<string, { a: Float32Array; b: Float32Array; rank: number }>;
}

/**
 * Losses and gradients with an adapter on some modules. A has the same rows for every rank, and B is zero in columns
 * from `filled` on, so that the adapter's output does not depend on its ranks.
 */
async function run(
  of: Decoder,
  targets: (linear: LinearSpec) => boolean,
  rankOf: (linear: LinearSpec) => number,
  { filled = 5, dropout = 0 } = {},
): Promise<Result> {
  const { spec } = of;
  const modules: LoraModule[] = spec.linears.filter(targets).map((linear) => {
    return { layer: 0, linear, path: modulePath(spec, 0, linear.path), rank: rankOf(linear), scale: 2 };
  });
  const adapter = new LoraAdapter(of.gpu, modules);
  modules.forEach((module) => {
    const { rank, linear } = module;
    const seed = 10 * spec.linears.indexOf(linear);
    const b = new Float32Array(linear.outFeatures * rank);
    const columns = randomArray(seed + 1, linear.outFeatures * filled, 0.3);
    columns.forEach((value, i) => (b[Math.floor(i / filled) * rank + (i % filled)] = value));
    adapter.write(module, {
      a: randomArray(seed, 8 * linear.inFeatures, 0.3).slice(0, rank * linear.inFeatures),
      b,
    });
  });
  const mask = dropout > 0 ? { p: dropout, seed: 7 } : null;
  const { losses, grads } = await lossesAndGrads(of, adapter, batch, { dropout: mask });
  const found = modulesOf(adapter, grads).map(({ module, a, b }) => {
    return [module.linear.name, { a: a.slice(), b: b.slice(), rank: module.rank }] as const;
  });
  adapter.dispose();
  return { losses, grads: new Map(found) };
}

/** Expects the same losses, and the same gradients in the first `filled` ranks of the modules that both have. */
function expectSame(actual: Result, expected: Result, filled = 5): void {
  expectClose(actual.losses, expected.losses, close);
  for (const [name, { a, b, rank }] of actual.grads) {
    const other = expected.grads.get(name)!;
    const used = a.length / rank;
    expectClose(a.slice(0, filled * used), other.a.slice(0, filled * used), close);
    const columns = (values: Float32Array, of: number) => values.filter((_, i) => i % of < filled);
    expectClose(columns(b, rank), columns(other.b, other.rank), close);
  }
}

const all = () => true;
const isOneOf =
  (...names: string[]) =>
  ({ name }: LinearSpec) =>
    names.includes(name);

describe('adapters of fused projections', () => {
  it('give the same results joined and apart, with equal ranks or not', async () => {
    const joined = await run(decoder, all, () => 8);
    // 5 · 64 elements do not end at a matrix boundary.
    expectSame(await run(decoder, all, () => 5), joined);
    expectSame(
      await run(decoder, all, ({ name }) => (name === 'k_proj' || name === 'up_proj' ? 8 : 6)),
      joined,
    );
    expect(joined.grads.get('v_proj')!.b.some((value) => value !== 0)).toBe(true);
  });

  it('give the same results if some projections have none', async () => {
    const some = isOneOf('q_proj', 'v_proj', 'up_proj');
    // B of the others is zero.
    const together = await run(decoder, some, () => 8);
    const apart = await run(decoder, some, () => 5);
    expectSame(apart, together);
    expect([...together.grads.keys()]).toEqual(['q_proj', 'v_proj', 'up_proj']);
  });

  it('have separate dropout masks, joined or not', async () => {
    const joined = await run(decoder, all, () => 8, { dropout: 0.3 });
    expectSame(await run(decoder, all, () => 5, { dropout: 0.3 }), joined);
    const without = await run(decoder, all, () => 8);
    expect(joined.losses).not.toEqual(without.losses);
  });
});

describe('weights of fused projections', () => {
  /** The number of matrices that hold q, k, v and gate, up. */
  async function partsOf({ weights }: Decoder): Promise<number[]> {
    const { groups } = await weights.block(0);
    return [groups.mixerIn.parts.length, groups.gateUp.parts.length];
  }

  it.each([
    ['floats', {}, null],
    ['NF4', { hidden_size: 128, intermediate_size: 128, head_dim: 32 }, { doubleQuant: false }],
  ] as const)(
    'of %s are one matrix if it fits a binding, and give the same results apart',
    async (_name, fields, quantize) => {
      const files = await openModelFiles(tinyModel({ config: { ...config, ...fields } }));
      const whole = await openDecoder(gpu, files, 'f32', { quantize });
      expect(await partsOf(whole)).toEqual([1, 1]);
      // Fits half of any group, and the vocabulary's 40 rows.
      const { mixerIn: qkv } = groupsOf(files.spec);
      const bytes = quantize ? 0.5 : 4;
      const small = withMaxBinding(gpu, bytes * 0.9 * qkv.inFeatures * qkv.width);
      const split = await openDecoder(small, files, 'f32', { quantize });
      expect(await partsOf(split)).toEqual([3, 2]);
      const rank = () => 8;
      expectSame(await run(split, all, rank), await run(whole, all, rank));
      for (const opened of [whole, split]) closeDecoder(opened);
    },
  );

  it('with nested scales stay separate', async () => {
    const files = await openModelFiles(tinyModel({ config }));
    const nested = await openDecoder(gpu, files, 'f32', { quantize: { doubleQuant: true } });
    expect(await partsOf(nested)).toEqual([3, 2]);
    closeDecoder(nested);
  });
});
