import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Gpu } from '../gpu/device.ts';
import { readFloats } from '../gpu/transfer.ts';
import { withoutAdapter, type AdapterUse, type Decoder } from '../model/decoder/decoder.ts';
import { LoraAdapter } from '../model/trained/loraAdapter.ts';
import { planLora } from '../model/trained/loraModules.ts';
import { closeDecoder, openDecoder } from '../model/weights/openDecoder.ts';
import { openModelFiles } from '../model/spec/openModel.ts';
import { expectClose } from '../../testing/compare.ts';
import { expectGraftError } from '../../testing/errors.ts';
import { testGpu } from '../../testing/gpu.ts';
import { refuseLeaks } from '../../testing/leaks.ts';
import { logitsOfSequence, randomizeAdapter } from '../../testing/passes.ts';
import { tinyModel } from '../../testing/tinyModel.ts';
import { generate, type GenerateOptions } from './generate.ts';
import { argmax } from './sampling.ts';

const V = 40;
const greedy: GenerateOptions = { maxNewTokens: 8, seed: 1, endIds: [], temperature: 0, topK: 0, topP: 1 };
const prompt = [3, 1, 4, 1, 5];

refuseLeaks();

let gpu: Gpu;
let decoder: Decoder;
beforeEach(async () => {
  gpu = await testGpu();
});
afterEach(() => {
  closeDecoder(decoder);
});

async function open(config: Record<string, unknown> = {}): Promise<Decoder> {
  decoder = await openDecoder(gpu, await openModelFiles(tinyModel({ config })), 'f32');
  return decoder;
}

/** Generates greedily, and compares every token and the last logits with one full forward pass. */
async function expectAsFullPass(
  use: AdapterUse,
  from: readonly number[],
  maxNewTokens: number,
): Promise<void> {
  const { ids } = await generate(decoder, use, from, { ...greedy, maxNewTokens });
  expect(ids.length).toBe(maxNewTokens);
  // The scratch memory still holds the logits that chose the last token.
  const last = await readFloats(gpu, decoder.workspace.get('logits', 'f32', [1, V]));
  const full = await logitsOfSequence(decoder, use, [...from, ...ids]);
  const at = (position: number) => full.subarray(position * V, (position + 1) * V);
  expect(ids.map((_, i) => argmax(at(from.length - 1 + i)))).toEqual(ids);
  expectClose(last, at(from.length + ids.length - 2), { atol: 1e-5, rtol: 1e-5 });
  expect(new Set(ids).size).toBeGreaterThan(1);
}

describe('decoding with a cache matches the full forward pass', () => {
  it.each([
    ['grouped queries', {}],
    [
      'every token sees four',
      { model_type: 'mistral', architectures: ['MistralForCausalLM'], sliding_window: 4 },
    ],
    [
      'head norms, one sliding layer, tied',
      {
        model_type: 'qwen3',
        architectures: ['Qwen3ForCausalLM'],
        head_dim: 8,
        tie_word_embeddings: true,
        use_sliding_window: true,
        sliding_window: 3,
        max_window_layers: 1,
      },
    ],
    ['biases', { model_type: 'qwen2', architectures: ['Qwen2ForCausalLM'] }],
  ])('%s', async (_, config) => {
    await open(config);
    await expectAsFullPass(withoutAdapter, prompt, 8);
  });

  it('with an adapter', async () => {
    const { spec } = await open();
    const shape = { rank: 4, alpha: 8, rslora: false, targets: 'all-linear', layers: 'all' } as const;
    const adapter = new LoraAdapter(gpu, planLora(spec, shape));
    randomizeAdapter(adapter);
    await expectAsFullPass({ adapter, strength: 0.5, dropout: null }, prompt, 8);
    const base = await generate(decoder, withoutAdapter, prompt, greedy);
    const off = await generate(decoder, { adapter, strength: 0, dropout: null }, prompt, greedy);
    const on = await generate(decoder, { adapter, strength: 1, dropout: null }, prompt, greedy);
    expect(off).toEqual(base);
    expect(on).not.toEqual(base);
    adapter.dispose();
  });

  it('with a prompt processed in pieces', async () => {
    await open({ max_position_embeddings: 1024 });
    const long = Array.from({ length: 515 }, (_, i) => (i * i + 3 * i) % V);
    await expectAsFullPass(withoutAdapter, long, 3);
  });
});

describe('generate', () => {
  it('stops at an end token, which it does not return', async () => {
    await open();
    const { ids, stoppedBy } = await generate(decoder, withoutAdapter, prompt, greedy);
    expect(stoppedBy).toBe('length');
    const end = ids[3]!;
    const cut = ids.indexOf(end);
    const received: number[] = [];
    const ended = await generate(decoder, withoutAdapter, prompt, {
      ...greedy,
      endIds: [99, end],
      onToken: (id) => void received.push(id),
    });
    expect(ended).toEqual({ ids: ids.slice(0, cut), stoppedBy: 'end' });
    expect(received).toEqual(ended.ids);
  });

  it('stops on request, after the current token', async () => {
    await open();
    const { ids } = await generate(decoder, withoutAdapter, prompt, greedy);
    let count = 0;
    const onToken = () => ++count === 2;
    const stopped = await generate(decoder, withoutAdapter, prompt, { ...greedy, onToken });
    expect(stopped).toEqual({ ids: ids.slice(0, 2), stoppedBy: 'caller' });
  });

  it('samples the same tokens for a seed, and others for another', async () => {
    await open();
    const draw = async (seed: number) =>
      (await generate(decoder, withoutAdapter, prompt, { ...greedy, temperature: 2, seed })).ids;
    expect(await draw(1)).toEqual(await draw(1));
    expect(await draw(1)).not.toEqual(await draw(2));
  });

  it('fills the context to its last position and no further', async () => {
    await open({ max_position_embeddings: 8 });
    const { ids, stoppedBy } = await generate(decoder, withoutAdapter, prompt, greedy);
    expect([ids.length, stoppedBy]).toEqual([3, 'length']);
    const seven = [...prompt, 1, 2];
    expect((await generate(decoder, withoutAdapter, seven, greedy)).ids.length).toBe(1);
    const eight = [...seven, 3];
    await expectGraftError(() => generate(decoder, withoutAdapter, eight, greedy), 'infer.prompt_too_long', {
      length: 8,
      positions: 8,
    });
  });

  it('requires a prompt', async () => {
    await open();
    await expectGraftError(() => generate(decoder, withoutAdapter, [], greedy), 'infer.empty_prompt');
  });
});
