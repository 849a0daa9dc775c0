import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ropeFrequencies, ropeMagnitude } from '../../kernels/ropeFrequencies.ts';
import { GraftError } from '../../../base/lib/errors.ts';
import { parseConfig } from './config.ts';

type Expected = number[] | null | { scaled: number };
interface RopeCase {
  name: string;
  keys: Record<string, unknown>;
  all?: Expected;
  byFamily?: Record<string, Expected>;
}
const file = new URL('fixtures/ropePlaces.json', import.meta.url);
const cases = JSON.parse(readFileSync(file, 'utf8')) as RopeCase[];

const base = {
  hidden_size: 64,
  num_attention_heads: 8,
  num_key_value_heads: 4,
  num_hidden_layers: 2,
  intermediate_size: 128,
  vocab_size: 64,
  max_position_embeddings: 512,
};
const families = {
  llama: { architectures: ['LlamaForCausalLM'], model_type: 'llama' },
  qwen2: { architectures: ['Qwen2ForCausalLM'], model_type: 'qwen2' },
  qwen3: { architectures: ['Qwen3ForCausalLM'], model_type: 'qwen3', head_dim: 8 },
  mistral: { architectures: ['MistralForCausalLM'], model_type: 'mistral' },
};

/** RoPE types that transformers supports and Graft does not. */
const refused = ['proportional'];

describe.each(Object.entries(families))('RoPE of %s', (family, keys) => {
  it.each(cases)('$name', ({ keys: own, all, byFamily }) => {
    const expected = byFamily ? byFamily[family]! : (all ?? null);
    const ropeOf = () => parseConfig({ ...base, ...keys, ...own }).ropeOf(0)!;
    const { type, rope_type: name = type } = (own.rope_scaling ?? {}) as Record<string, unknown>;
    if (expected === null || refused.includes(String(name))) {
      expect(ropeOf).toThrow(GraftError);
      return;
    }
    if (!Array.isArray(expected)) {
      expect(ropeMagnitude(ropeOf().scaling)).toBeCloseTo(expected.scaled, 6);
      return;
    }
    ropeFrequencies(ropeOf()).forEach((value, i) => expect(value / expected[i]!).toBeCloseTo(1, 5));
  });
});
