import { afterEach, describe, expect, it } from 'vitest';
import { expectGraftError } from '../../../testing/errors.ts';
import { testGpu } from '../../../testing/gpu.ts';
import { refuseLeaks } from '../../../testing/leaks.ts';
import { needF16 } from '../../../testing/needs.ts';
import { randomizeAdapter } from '../../../testing/passes.ts';
import { tinyFamilies } from '../../../testing/tinyFamilies.ts';
import { tinyModel } from '../../../testing/tinyModel.ts';
import { withoutAdapter, type AdapterUse, type Decoder } from '../../model/decoder/decoder.ts';
import { openModelFiles, type ModelFiles } from '../../model/spec/openModel.ts';
import { LoraAdapter } from '../../model/trained/loraAdapter.ts';
import { planLora } from '../../model/trained/loraModules.ts';
import { closeDecoder, openDecoder } from '../../model/weights/openDecoder.ts';
import { generate } from '../generate.ts';
import { planBatch, type PlannedBatch } from './batchPlan.ts';
import { generateBatch, isGreedy, scheduledTexts, type BatchRequest } from './generateBatch.ts';

const V = 40;

refuseLeaks();

let decoder: Decoder;
let files: ModelFiles;
afterEach(() => closeDecoder(decoder));

async function open(config: Record<string, unknown> = {}, type: 'f32' | 'f16' = 'f32'): Promise<Decoder> {
  files = await openModelFiles(tinyModel({ config }));
  return (decoder = await openDecoder(await testGpu(), files, type));
}

const greedy = { maxNewTokens: 8, seed: 1, endIds: [], temperature: 0, topK: 0, topP: 1 };
const text = (seed: number, length: number) =>
  Array.from({ length }, (_, i) => (7 * i * i + 3 * i + seed) % V);

/** Prompts of one token up to more than a window, two of them equal. */
const requests: BatchRequest[] = [5, 1, 17, 9, 5, 30, 2].map((length, i) => ({
  ...greedy,
  prompt: text(i === 4 ? 0 : i, length),
  maxNewTokens: 4 + i,
}));

async function plan(of: readonly BatchRequest[], options: Omit<PlannedBatch, 'texts'> = {}) {
  const sampled = !of.every(isGreedy);
  return planBatch(files, decoder.type, decoder.gpu, {
    texts: scheduledTexts(decoder, of),
    sampled,
    ...options,
  });
}

async function oneByOne(use: AdapterUse, of: readonly BatchRequest[]) {
  const all = [];
  for (const { prompt, ...options } of of) all.push(await generate(decoder, use, prompt, options));
  return all;
}

describe('a batch is what each prompt gives alone', () => {
  it.each(['llama', ...Object.keys(tinyFamilies)])('%s', async (name) => {
    await open(tinyFamilies[name] ?? {});
    const alone = await oneByOne(withoutAdapter, requests);
    expect(new Set(alone.flatMap(({ ids }) => ids)).size).toBeGreaterThan(3);
    expect(await generateBatch(decoder, withoutAdapter, requests, { plan: await plan(requests) })).toEqual(
      alone,
    );
  });

  it.each(['llama', 'lfm2', 'qwen35'])(
    '%s, with room for three at a time and parts of prompts',
    async (name) => {
      await open(tinyFamilies[name] ?? {});
      const { size, ...rest } = await plan(requests, { sequences: 3 });
      const small = { ...rest, stepTokens: 7, size: { keys: 50, states: 4 } };
      const alone = await oneByOne(withoutAdapter, requests);
      expect(size.keys).toBeGreaterThan(50);
      expect(await generateBatch(decoder, withoutAdapter, requests, { plan: small })).toEqual(alone);
    },
  );

  it.each(['llama', 'lfm2', 'qwen35', 'gemma2'])('%s, of prompts that begin alike', async (name) => {
    await open(tinyFamilies[name] ?? {});
    const alike = [3, 1, 8, 2].map((length, i) => ({
      ...greedy,
      prompt: [...text(0, 20), ...text(i + 1, length)],
    }));
    const same = [0, 1, 2].map((seed) => ({ ...greedy, seed, prompt: text(9, 11), temperature: 3 }));
    const all = [...alike, ...same];
    const alone = await oneByOne(withoutAdapter, all);
    expect(alone[4]).not.toEqual(alone[5]);
    expect(await generateBatch(decoder, withoutAdapter, all, { plan: await plan(all) })).toEqual(alone);
  });

  it('with an adapter', async () => {
    const { spec, gpu } = await open();
    const shape = { rank: 4, alpha: 8, rslora: false, targets: 'all-linear', layers: 'all' } as const;
    const adapter = new LoraAdapter(gpu, planLora(spec, shape));
    randomizeAdapter(adapter);
    const use = { adapter, strength: 0.5, dropout: null };
    const alone = await oneByOne(use, requests);
    expect(alone).not.toEqual(await oneByOne(withoutAdapter, requests));
    expect(await generateBatch(decoder, use, requests, { plan: await plan(requests) })).toEqual(alone);
    adapter.dispose();
  });

  it('in f16', async (context) => {
    needF16(context, await testGpu());
    await open({}, 'f16');
    const alone = await oneByOne(withoutAdapter, requests);
    expect(await generateBatch(decoder, withoutAdapter, requests, { plan: await plan(requests) })).toEqual(
      alone,
    );
  });

  it('sampled, each with its own seed, end and penalty', async () => {
    await open();
    const sampled = requests.map((request, i) => ({
      ...request,
      seed: i,
      temperature: i % 3 === 0 ? 0 : 0.9,
      topK: i % 2 === 0 ? 0 : 12,
      topP: 0.9,
      repetitionPenalty: i === 2 ? 1.3 : 1,
      endIds: [3 * i, 3 * i + 1],
      maxNewTokens: 20,
    }));
    const alone = await oneByOne(withoutAdapter, sampled);
    expect(new Set(alone.map(({ stoppedBy }) => stoppedBy))).toEqual(new Set(['end', 'length']));
    expect(await generateBatch(decoder, withoutAdapter, sampled, { plan: await plan(sampled) })).toEqual(
      alone,
    );
  });

  it('also where keys turn otherwise in long texts, which are generated alone', async () => {
    await open(tinyFamilies.phi3);
    expect(decoder.cacheLimit).toBe(8);
    const some = [3, 6, 7].map((length) => ({ ...greedy, prompt: text(length, length), maxNewTokens: 4 }));
    const alone = await oneByOne(withoutAdapter, some);
    expect(await generateBatch(decoder, withoutAdapter, some, { plan: await plan(some) })).toEqual(alone);
  });

  it('up to the end of the context', async () => {
    await open({ max_position_embeddings: 16 });
    const long = [14, 15, 4].map((length) => ({ ...greedy, prompt: text(length, length) }));
    const alone = await oneByOne(withoutAdapter, long);
    expect(alone.map(({ ids }) => ids.length)).toEqual([2, 1, 8]);
    expect(await generateBatch(decoder, withoutAdapter, long, { plan: await plan(long) })).toEqual(alone);
  });
});

describe('generateBatch', () => {
  it('reports tokens and ends as they come, and stops one text or all', async () => {
    await open();
    const alone = await oneByOne(withoutAdapter, requests);
    const tokens = requests.map((): number[] => []);
    const done: number[] = [];
    const all = await generateBatch(decoder, withoutAdapter, requests, {
      plan: await plan(requests),
      onToken: (i, id) => tokens[i]!.push(id) === 2 && i === 3,
      onDone: (i) => void done.push(i),
    });
    expect(tokens).toEqual(all.map(({ ids }) => ids));
    expect([...done].sort()).toEqual(requests.map((_, i) => i));
    expect(all[3]).toEqual({ ids: alone[3]!.ids.slice(0, 2), stoppedBy: 'caller' });
    expect(all[5]).toEqual(alone[5]);
    let steps = 0;
    const stopped = await generateBatch(decoder, withoutAdapter, requests, {
      plan: await plan(requests),
      shouldStop: () => (steps += 1) > 3,
    });
    expect(stopped.every(({ stoppedBy }) => stoppedBy === 'caller')).toBe(true);
    stopped.forEach(({ ids }, i) => expect(ids).toEqual(alone[i]!.ids.slice(0, ids.length)));
    expect(Math.max(...stopped.map(({ ids }) => ids.length))).toBeGreaterThan(0);
  });

  it('refuses an empty prompt, and one that leaves no room, before anything runs', async () => {
    await open();
    const ask = (prompt: number[]) => async () =>
      generateBatch(decoder, withoutAdapter, [requests[0]!, { ...greedy, prompt }], {
        plan: await plan(requests),
      });
    await expectGraftError(ask([]), 'infer.empty_prompt');
    await expectGraftError(ask(text(1, 64)), 'infer.prompt_too_long', { length: 64, positions: 64 });
  });
});

describe('the plan of a batch', () => {
  it.each(['llama', 'lfm2', 'qwen35', 'qwen3Moe'])('bounds what it takes, closely: %s', async (name) => {
    const { gpu } = await open(tinyFamilies[name] ?? {});
    const many = Array.from({ length: 80 }, (_, i) => ({
      ...greedy,
      prompt: [i % V, (3 * i + 1) % V, i >> 3, ...text(i, 48)],
    }));
    const planned = await plan(many, { sequences: 16 });
    gpu.memory.resetPeak();
    const before = gpu.memory.bytes;
    await generateBatch(decoder, withoutAdapter, many, { plan: planned });
    // The plan has all of a step's prompts and all sequences but one in the same step.
    const taken = gpu.memory.peak - before;
    expect(taken).toBeLessThanOrEqual(planned.poolBytes + planned.passBytes);
    expect(taken).toBeGreaterThan(0.9 * (planned.poolBytes + planned.passBytes));
  });

  it('has fewer sequences in a smaller budget, and at least one', async () => {
    await open();
    const many = Array.from({ length: 80 }, (_, i) => ({ ...greedy, prompt: text(i, 20) }));
    const all = await plan(many);
    expect(all.sequences).toBe(64);
    const bytes = all.poolBytes + all.passBytes;
    const half = await plan(many, { budget: bytes - 1 });
    expect(half.sequences).toBe(32);
    expect(half.poolBytes + half.passBytes).toBeLessThan(bytes);
    expect((await plan(many, { budget: 1 })).sequences).toBe(1);
    expect((await plan(many.slice(0, 5))).sequences).toBe(5);
  });
});
