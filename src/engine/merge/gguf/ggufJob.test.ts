import { describe, expect, it } from 'vitest';
import { expectGraftError } from '../../../testing/errors.ts';
import { tinyConfig } from '../../../testing/tinyModel.ts';
import { parseConfig } from '../../model/spec/config.ts';
import { architectureOf, writtenContext } from './ggufJob.ts';

function contextOf(modelType: string, fields: Record<string, unknown> = {}) {
  const { hidden_size, intermediate_size, num_attention_heads, vocab_size } = tinyConfig;
  const sizes = { hidden_size, intermediate_size, num_attention_heads, vocab_size, num_hidden_layers: 8 };
  const spec = parseConfig({ ...sizes, model_type: modelType, max_position_embeddings: 512, ...fields });
  return writtenContext(architectureOf(spec), spec);
}

const head = { head_dim: 16, query_pre_attn_scalar: 16 };

describe('the context that a GGUF file names', () => {
  it.each([
    ['llama', {}, 512],
    ['smollm3', {}, 512],
    ['gemma3_text', { ...head, sliding_window: 64 }, 512],
    ['granite', { attention_multiplier: 0.5 }, 512],
    // llama.cpp has no windows there: up to this length none matters.
    ['mistral', { num_key_value_heads: 2, sliding_window: 64 }, 64],
    ['mistral', { num_key_value_heads: 2, sliding_window: 4096 }, 512],
  ])('of %s with %j is %i', (modelType, fields, expected) => {
    expect(contextOf(modelType, fields)).toBe(expected);
  });
});

describe('what llama.cpp would compute otherwise is refused', () => {
  it.each([
    ['merge.gguf_layer', 'smollm3', { no_rope_layers: [0, 1, 1, 1, 1, 1, 1, 1] }, { layer: 0 }],
    ['merge.gguf_layer', 'gemma3_text', { ...head, sliding_window_pattern: 4 }, { layer: 3 }],
    ['merge.gguf_scale', 'gemma3_text', { ...head, query_pre_attn_scalar: 64 }, { scale: 0.125 }],
  ] as const)('%s: %s with %j', async (code, modelType, fields, params) => {
    await expectGraftError(() => contextOf(modelType, fields), code, params);
  });

  it('a family that it does not have', async () => {
    await expectGraftError(() => contextOf('olmo2'), 'merge.gguf_family', { family: 'olmo2' });
  });
});
