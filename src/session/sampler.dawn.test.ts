import { afterAll, beforeAll, expect, it } from 'vitest';
import { stopIds } from '../content/data/labels/turnEnd.ts';
import { loadTokenizer, type Tokenizer } from '../content/data/tokenizer/tokenizer.ts';
import { answer, chatPrompt } from '../engine/infer/answer.ts';
import type { Decoder } from '../engine/model/decoder/decoder.ts';
import { openModelFiles, type ModelFiles } from '../engine/model/spec/openModel.ts';
import { LoraAdapter } from '../engine/model/trained/loraAdapter.ts';
import { planLora } from '../engine/model/trained/loraModules.ts';
import { closeDecoder, openDecoder } from '../engine/model/weights/openDecoder.ts';
import { modelFolder } from '../testing/golden.ts';
import { testGpu } from '../testing/gpu.ts';
import { randomizeAdapter } from '../testing/passes.ts';
import { sampler } from './sampler.ts';

let files: ModelFiles;
let decoder: Decoder;
let tokenizer: Tokenizer;
let adapter: LoraAdapter;
beforeAll(async () => {
  const folder = modelFolder('starter');
  files = await openModelFiles(folder);
  decoder = await openDecoder(await testGpu(), files, 'f32');
  tokenizer = (await loadTokenizer(folder))!;
  const shape = { rank: 4, alpha: 8, rslora: false, targets: 'all-linear', layers: 'all' } as const;
  adapter = new LoraAdapter(decoder.gpu, planLora(decoder.spec, shape));
  randomizeAdapter(adapter);
});
afterAll(() => {
  adapter.dispose();
  closeDecoder(decoder);
});

it('samples of a run are the answers to each prompt alone, also of equal prompts; one that is too long says so', async () => {
  const asked = ['Where does Pip live?', 'Goodbye!', 'Where does Pip live?', 'What is the opposite of big?'];
  const endIds = stopIds(tokenizer);
  const prompts = asked.map((text) => ({
    text,
    ids: chatPrompt(tokenizer, [{ role: 'user', content: text }]),
    endIds,
  }));
  const long = { text: 'long', ids: Array<number>(decoder.spec.maxPositions).fill(5), endIds };
  const found: [number, string, string][] = [];
  const ask = sampler(
    decoder,
    adapter,
    { files, tokenizer },
    [prompts[0]!, long, ...prompts.slice(1)],
    (...sample) => found.push(sample),
  );
  await ask(3);
  const use = { adapter, strength: 1, dropout: null };
  const greedy = { maxNewTokens: 64, temperature: 0, topK: 0, topP: 1, seed: 0, endIds };
  const alone: string[] = [];
  for (const { ids } of prompts) alone.push((await answer(decoder, use, tokenizer, ids, greedy)).text);
  expect(found.filter(([, text]) => text !== 'long')).toEqual(asked.map((text, i) => [3, text, alone[i]]));
  expect(new Set(alone).size).toBe(3);
  expect(found[1]).toEqual([3, 'long', expect.stringContaining(`${decoder.spec.maxPositions}`)]);
});
