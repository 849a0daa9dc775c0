import { beforeAll, describe, expect, it } from 'vitest';
import type { Gpu } from '../../gpu/device.ts';
import { testGpu } from '../../../testing/gpu.ts';
import { needF16 } from '../../../testing/needs.ts';
import { refuseLeaks } from '../../../testing/leaks.ts';
import { logitsOfSequence, withMaxBinding } from '../../../testing/passes.ts';
import { gptqModel } from '../../../testing/quantizedModel.ts';
import { tinyModel, type TinyModelOptions } from '../../../testing/tinyModel.ts';
import { withoutAdapter } from '../decoder/decoder.ts';
import { closeDecoder, openDecoder } from './openDecoder.ts';
import { openModelFiles } from '../spec/openModel.ts';
import { resident, type Streaming } from './streaming.ts';

refuseLeaks();

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

const VOCAB = 150;

describe.each<[string, TinyModelOptions, 'f32' | 'f16']>([
  ['in BF16', { dtype: 'BF16' }, 'f32'],
  ['in F32', { dtype: 'F32' }, 'f32'],
  ['in F32, held in f16', { dtype: 'F32' }, 'f16'],
  ['in F16, tied', { dtype: 'F16', config: { tie_word_embeddings: true } }, 'f16'],
  ['in GPTQ', gptqModel(16, true), 'f32'],
])('a vocabulary on disk %s', (_, options, type) => {
  it('gives the logits of a resident one, with repeated tokens and those at both ends', async (context) => {
    if (type === 'f16') needF16(context, gpu);
    const config = { ...options.config, vocab_size: VOCAB };
    const files = await openModelFiles(tinyModel({ ...options, config }));
    const on = withMaxBinding(gpu, 64 * files.spec.hiddenSize * 4);
    const logits = async (streaming: Streaming) => {
      const decoder = await openDecoder(on, files, type, { streaming });
      const parts = (await decoder.weights.vocabulary('head')).count;
      const first = await logitsOfSequence(decoder, withoutAdapter, [VOCAB - 1, 0, 7, 7, 64, 63, 0]);
      // Fewer tokens, then more: rows of the previous call must not show through.
      const second = await logitsOfSequence(decoder, withoutAdapter, [3]);
      const third = await logitsOfSequence(decoder, withoutAdapter, [9, 8, 127, 128, 129, 2, 1, 9, 140]);
      closeDecoder(decoder);
      return { parts, values: [first, second, third] };
    };
    const whole = await logits(resident);
    const streamed = await logits({ slots: 1, ends: true, spill: false });
    expect(whole.parts).toBe(1);
    expect(streamed.parts).toBe(3);
    expect(streamed.values).toEqual(whole.values);
  });
});
