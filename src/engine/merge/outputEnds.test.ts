import { describe, expect, it } from 'vitest';
import { memoryFolder } from '../../testing/sources.ts';
import { planEnds } from './outputEnds.ts';

const eos = { id: 1, token: '</s>' };
const turn = { id: 7, token: '<|im_end|>' };

const plan = (config: object, generation: object | string | null, ends = [eos, turn]) => {
  const text = typeof generation === 'string' ? generation : JSON.stringify(generation);
  const files = { 'config.json': JSON.stringify(config), 'generation_config.json': text };
  return planEnds(memoryFolder(generation === null ? { 'config.json': files['config.json'] } : files), ends);
};
const parsed = (text: string | null) => JSON.parse(text ?? 'null') as unknown;

describe('end tokens of generation_config.json', () => {
  it('are added to the existing ones; everything else keeps its text', async () => {
    const written = '{\n  "temperature": 1.0,\n  "eos_token_id": 1,\n  "top_p": 0.8\n}\n';
    const { text, added, ids } = await plan({ eos_token_id: 1 }, written);
    expect(text).toBe(
      '{\n  "temperature": 1.0,\n  "eos_token_id": [\n    1,\n    7\n  ],\n  "top_p": 0.8\n}\n',
    );
    expect([added, ids]).toEqual([[turn], [1, 7]]);
    expect(parsed((await plan({}, { eos_token_id: [3, 1] })).text)).toEqual({ eos_token_id: [3, 1, 7] });
  });

  it('leave the file unchanged if it names them all, or there are none', async () => {
    expect(await plan({}, { eos_token_id: [7, 1] })).toEqual({ text: null, added: [], ids: [7, 1] });
    expect(await plan({}, '{broken', [])).toEqual({ text: null, added: [], ids: [] });
    expect((await plan({ eos_token_id: [1, 7] }, null)).text).toBeNull();
  });

  it('include those of config.json if the file names none', async () => {
    const { text, added } = await plan({ eos_token_id: 3 }, { do_sample: true, eos_token_id: null });
    expect(parsed(text)).toEqual({ do_sample: true, eos_token_id: [3, 1, 7] });
    expect(added).toEqual([eos, turn]);
  });

  it('create the file, with the settings transformers would otherwise take from config.json', async () => {
    const config = {
      model_type: 'llama',
      bos_token_id: 0,
      eos_token_id: 1,
      pad_token_id: null,
      max_length: 99,
    };
    const { text, added } = await plan(config, null);
    expect(parsed(text)).toEqual({ bos_token_id: 0, eos_token_id: [1, 7], max_length: 99 });
    expect(added).toEqual([turn]);
  });

  it('replace those of config.json, which the file must then not refer to', async () => {
    const { text } = await plan({ eos_token_id: 1 }, { _from_model_config: true, eos_token_id: 1 });
    expect(parsed(text)).toEqual({ eos_token_id: [1, 7] });
  });
});
