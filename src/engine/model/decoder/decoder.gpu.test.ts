import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Gpu } from '../../gpu/device.ts';
import { expectClose } from '../../../testing/compare.ts';
import { testGpu } from '../../../testing/gpu.ts';
import { refuseLeaks } from '../../../testing/leaks.ts';
import {
  batchOf,
  logitsOfSequence,
  lossesAndGrads,
  modulesOf,
  randomizeAdapter,
  randomRows,
} from '../../../testing/passes.ts';
import { tinyModel } from '../../../testing/tinyModel.ts';
import { withoutAdapter, type Decoder } from './decoder.ts';
import { LoraAdapter } from '../trained/loraAdapter.ts';
import { planLora, type LoraShape } from '../trained/loraModules.ts';
import { closeDecoder, openDecoder } from '../weights/openDecoder.ts';
import { openModelFiles } from '../spec/openModel.ts';

const plain: LoraShape = { rank: 4, alpha: 8, rslora: false, targets: 'all-linear', layers: 'all' };
const ids = [3, 1, 4, 1, 5, 9];

refuseLeaks();

let gpu: Gpu;
let decoder: Decoder;
beforeEach(async () => {
  gpu = await testGpu();
  decoder = await openDecoder(gpu, await openModelFiles(tinyModel()), 'f32');
});
afterEach(() => {
  closeDecoder(decoder);
});

function adapterOf(shape: Partial<LoraShape> = {}): LoraAdapter {
  const adapter = new LoraAdapter(gpu, planLora(decoder.spec, { ...plain, ...shape }));
  randomizeAdapter(adapter);
  return adapter;
}

describe('a sliding window', () => {
  const V = 40;
  const long = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3];

  /** The first and the last token whose logits change when the very first token changes. */
  async function reach(config: Record<string, unknown>): Promise<[number, number]> {
    const sliding = await openDecoder(gpu, await openModelFiles(tinyModel({ config })), 'f32');
    const one = await logitsOfSequence(sliding, withoutAdapter, long);
    const other = await logitsOfSequence(sliding, withoutAdapter, [7, ...long.slice(1)]);
    closeDecoder(sliding);
    const changed = long
      .map((_, t) => t)
      .filter((t) => one.slice(t * V, (t + 1) * V).some((l, i) => l !== other[t * V + i]));
    return [changed[0]!, changed.at(-1)!];
  }

  it('limits what a token sees in the layers that use it', async () => {
    const mistral = { model_type: 'mistral', architectures: ['MistralForCausalLM'] };
    expect(await reach({ ...mistral, sliding_window: null })).toEqual([0, 9]);
    // Each of two layers sees three tokens back.
    expect(await reach({ ...mistral, sliding_window: 4 })).toEqual([0, 6]);
    const qwen2 = { model_type: 'qwen2', architectures: ['Qwen2ForCausalLM'], use_sliding_window: true };
    expect(await reach({ ...qwen2, sliding_window: 4, max_window_layers: 1 })).toEqual([0, 9]);
    expect(await reach({ ...qwen2, sliding_window: 4, max_window_layers: 0 })).toEqual([0, 6]);
  });
});

describe('an adapter', () => {
  it('with strength 0 leaves the base model’s bits, and with strength ½ has half the scale', async () => {
    const whole = adapterOf();
    const half = adapterOf({ alpha: 4 });
    const logits = (adapter: LoraAdapter | null, strength: number) =>
      logitsOfSequence(decoder, { adapter, strength, dropout: null }, ids);
    const base = await logitsOfSequence(decoder, withoutAdapter, ids);
    expect(await logits(whole, 0)).toEqual(base);
    expect(await logits(whole, 1)).not.toEqual(base);
    expect(await logits(whole, 0.5)).toEqual(await logits(half, 1));
    const batch = batchOf(randomRows([6]));
    expect(await lossesAndGrads(decoder, whole, batch, { strength: 0.5 })).toEqual(
      await lossesAndGrads(decoder, half, batch),
    );
    for (const adapter of [whole, half]) adapter.dispose();
  });

  it('with rsLoRA has √rank times the scale', async () => {
    const stable = adapterOf({ rslora: true });
    const scaled = adapterOf({ alpha: 16 });
    const batch = batchOf(randomRows([6]));
    expect(await lossesAndGrads(decoder, stable, batch)).toEqual(
      await lossesAndGrads(decoder, scaled, batch),
    );
    for (const adapter of [stable, scaled]) adapter.dispose();
  });

  it('on few modules has the same gradients as these modules have among all', async () => {
    const batch = batchOf(randomRows([6]));
    const whole = adapterOf();
    const few = adapterOf({ targets: ['v_proj', 'down_proj'], layers: [1] });
    // The same values in the shared modules, and zeros in the rest.
    const shared = new Map([...(await few.read())].map(([{ path }, values]) => [path, values]));
    for (const module of whole.modules) {
      const { inFeatures, outFeatures } = module.linear;
      const zero = {
        a: new Float32Array(module.rank * inFeatures),
        b: new Float32Array(module.rank * outFeatures),
      };
      whole.write(module, shared.get(module.path) ?? zero);
    }
    const all = await lossesAndGrads(decoder, whole, batch);
    const some = await lossesAndGrads(decoder, few, batch);
    expectClose(some.losses, all.losses, { rtol: 1e-6 });
    const expected = new Map(modulesOf(whole, all.grads).map(({ module, a, b }) => [module.path, { a, b }]));
    for (const { module, a, b } of modulesOf(few, some.grads)) {
      const twin = expected.get(module.path)!;
      expect(twin.b.some((g) => g !== 0)).toBe(true);
      expectClose(a, twin.a, { atol: 1e-6, rtol: 1e-5 });
      expectClose(b, twin.b, { atol: 1e-6, rtol: 1e-5 });
    }
    for (const adapter of [whole, few]) adapter.dispose();
  });
});

describe('dropout', () => {
  const batch = batchOf(randomRows([5, 3], { masked: 2 }));
  const run = (adapter: LoraAdapter, p: number, seed: number) =>
    lossesAndGrads(decoder, adapter, batch, { dropout: { p, seed } });

  it('repeats its mask for a seed, changes it with another, and does nothing with p = 0', async () => {
    const adapter = adapterOf();
    const first = await run(adapter, 0.5, 1);
    expect(await run(adapter, 0.5, 1)).toEqual(first);
    expect((await run(adapter, 0.5, 2)).losses).not.toEqual(first.losses);
    const none = await lossesAndGrads(decoder, adapter, batch);
    expect((await run(adapter, 0, 1)).losses).toEqual(none.losses);
    // Dropout adds in another order.
    expectClose((await run(adapter, 0, 1)).grads, none.grads, { atol: 3e-6, rtol: 1e-5 });
    adapter.dispose();
  });

  it('masks the input of each module independently', async () => {
    const adapter = adapterOf({ targets: ['gate_proj', 'up_proj'] });
    // One target, at the first token: a column of dA is zero if that token's input was dropped.
    const { grads } = await lossesAndGrads(decoder, adapter, batchOf(randomRows([2])), {
      dropout: { p: 0.5, seed: 1 },
    });
    const masks = modulesOf(adapter, grads).map(({ a }) => Array.from(a.subarray(0, 32), (g) => g !== 0));
    const last = masks.slice(2);
    expect(last[0]).not.toEqual(last[1]);
    for (const mask of last) {
      const passed = mask.filter(Boolean).length;
      expect(passed).toBeGreaterThan(6);
      expect(passed).toBeLessThan(26);
    }
    adapter.dispose();
  });

  it('has the gradient of the loss under its mask', async () => {
    const adapter = adapterOf();
    const meanLoss = async () => {
      const { losses } = await run(adapter, 0.3, 7);
      return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
    };
    const { grads } = await run(adapter, 0.3, 7);
    const h = 1e-2;
    const values = await adapter.read();
    // The lower block, whose gradients pass through both.
    const lower = modulesOf(adapter, grads).filter(({ module }) => module.layer === 0);
    for (const { module, ...gradient } of lower) {
      const { a, b } = values.get(module)!;
      for (const [entries, slopes] of [
        [a, gradient.a],
        [b, gradient.b],
      ] as const) {
        // The largest one: differences of f32 losses are too coarse for small ones.
        const i = slopes.reduce((best, g, at) => (Math.abs(g) > Math.abs(slopes[best]!) ? at : best), 0);
        const middle = entries[i]!;
        const lossAt = async (value: number) => {
          entries[i] = value;
          adapter.write(module, { a, b });
          return meanLoss();
        };
        const slope = ((await lossAt(middle + h)) - (await lossAt(middle - h))) / (2 * h);
        await lossAt(middle);
        expect(Math.abs(slope / slopes[i]! - 1), module.path).toBeLessThan(5e-3);
      }
    }
    adapter.dispose();
  });
});
