import { beforeEach, describe, expect, it } from 'vitest';
import type { Gpu } from '../../gpu/device.ts';
import { readFloats, upload } from '../../gpu/transfer.ts';
import { expectGraftError } from '../../../testing/errors.ts';
import { testGpu } from '../../../testing/gpu.ts';
import { refuseLeaks } from '../../../testing/leaks.ts';
import {
  batchOf,
  lossesAndGrads,
  logitsOfSequence,
  randomizeAdapter,
  randomRows,
  readBuffers,
  withMaxBinding,
} from '../../../testing/passes.ts';
import { tinyModel } from '../../../testing/tinyModel.ts';
import { withoutAdapter, type Decoder } from '../decoder/decoder.ts';
import { LoraAdapter } from './loraAdapter.ts';
import { planLora } from './loraModules.ts';
import { closeDecoder, openDecoder } from '../weights/openDecoder.ts';
import { openModelFiles } from '../spec/openModel.ts';
import { planSaved } from './savedModules.ts';
import { copyModelValues } from './modelValues.ts';

const shape = { rank: 2, alpha: 4, rslora: false, targets: ['q_proj'], layers: 'all' as const };

refuseLeaks();

let gpu: Gpu;
beforeEach(async () => {
  gpu = await testGpu();
});

async function open({ tiesHead, ...config }: Record<string, unknown> = {}, on = gpu) {
  const files = await openModelFiles(tinyModel({ config, dtype: 'BF16' }));
  const decoder = await openDecoder(on, files, 'f32');
  const planned = planSaved(decoder.spec, ['embed_tokens', 'lm_head']);
  // As with ensure_weight_tying: one matrix, whose gradient is the sum of both.
  const saved = tiesHead === true ? [{ ...planned[0]!, tiesHead: 'lm_head' }] : planned;
  const adapter = new LoraAdapter(on, planLora(decoder.spec, shape), saved);
  randomizeAdapter(adapter);
  await copyModelValues(decoder, adapter);
  return { decoder, adapter };
}

function close({ decoder, adapter }: { decoder: Decoder; adapter: LoraAdapter }): void {
  adapter.dispose();
  closeDecoder(decoder);
}

describe.each([{}, { tie_word_embeddings: true }, { tie_word_embeddings: true, tiesHead: true }])(
  'modules trained in full, %j',
  (config) => {
    it('start with the model’s values', async () => {
      const { decoder, adapter } = await open(config);
      const ids = [1, 7, 39, 0];
      const without = new LoraAdapter(gpu, adapter.modules);
      randomizeAdapter(without);
      const expected = await logitsOfSequence(decoder, { adapter: without, strength: 1, dropout: null }, ids);
      const logits = await logitsOfSequence(decoder, { adapter, strength: 1, dropout: null }, ids);
      expect(logits).toEqual(expected);
      without.dispose();
      close({ decoder, adapter });
    });

    it('have gradients that match finite differences', async () => {
      const { decoder, adapter } = await open(config);
      const batch = batchOf(randomRows([5, 3, 4]));
      const { grads } = await lossesAndGrads(decoder, adapter, batch);
      const params = await readBuffers(gpu, adapter.params);
      const meanLoss = async (values: Float32Array) => {
        upload(gpu, adapter.params[0]!, values as Float32Array<ArrayBuffer>);
        const { losses } = await lossesAndGrads(decoder, adapter, batch);
        return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
      };
      for (const matrix of adapter.saved) {
        const { data } = matrix.weight(adapter.params).chunks[0]!;
        const start = data.offset / 4;
        const size = matrix.spec.rows * matrix.spec.cols;
        // Along the gradient itself, where differences are largest.
        const own = grads.subarray(start, start + size);
        const length = Math.hypot(...own);
        const moved = (sign: number) =>
          params.map((value, i) =>
            i >= start && i < start + size ? value + (sign * 1e-2 * grads[i]!) / length : value,
          );
        const slope = ((await meanLoss(moved(1))) - (await meanLoss(moved(-1)))) / 2e-2;
        expect(Math.abs(slope / length - 1)).toBeLessThan(2e-3);
      }
      close({ decoder, adapter });
    });
  },
);

describe('parameters in several buffers', () => {
  it('give the same losses and gradients as in one', async () => {
    const whole = await open();
    const batch = batchOf(randomRows([5, 3, 4]));
    const expected = await lossesAndGrads(whole.decoder, whole.adapter, batch);
    close(whole);
    // 40 rows of 32 do not fit 4 KiB: the matrices are split by rows.
    const split = await open({}, withMaxBinding(gpu, 4096));
    expect(split.adapter.params.length).toBeGreaterThan(3);
    expect(split.adapter.saved[0]!.weight(split.adapter.params).chunks.length).toBe(2);
    const actual = await lossesAndGrads(split.decoder, split.adapter, batch);
    expect(actual.losses).toEqual(expected.losses);
    const squares = (values: Float32Array) => values.reduce((sum, x) => sum + x * x, 0);
    expect(squares(actual.grads) / squares(expected.grads)).toBeCloseTo(1, 5);
    close(split);
  });
});

it('are not used with strength 0', async () => {
  const { decoder, adapter } = await open();
  const [chunk] = adapter.saved[0]!.weight(adapter.params).chunks;
  const values = await readFloats(gpu, chunk!.data);
  upload(gpu, chunk!.data, values.map((x) => -x) as Float32Array<ArrayBuffer>);
  const base = await logitsOfSequence(decoder, withoutAdapter, [1, 2, 3]);
  expect(await logitsOfSequence(decoder, { adapter, strength: 0, dropout: null }, [1, 2, 3])).toEqual(base);
  expect(await logitsOfSequence(decoder, { adapter, strength: 1, dropout: null }, [1, 2, 3])).not.toEqual(
    base,
  );
  close({ decoder, adapter });
});

it('other modules are rejected by name', async () => {
  const { spec } = await openModelFiles(tinyModel());
  const params = { module: 'wte', known: 'embed_tokens, lm_head' };
  await expectGraftError(() => planSaved(spec, ['lm_head', 'wte']), 'train.no_saved_module', params);
});
