import { describe, expect, it } from 'vitest';
import { expectGraftError } from '../../../testing/errors.ts';
import { tinyConfig } from '../../../testing/tinyModel.ts';
import { parseConfig } from '../../model/spec/config.ts';
import { ggufTensorName } from '../../../content/formats/gguf/architectures.ts';
import { architectureOf, writtenContext, writtenRope } from './ggufJob.ts';

function specOf(modelType: string, fields: Record<string, unknown> = {}) {
  const { hidden_size, intermediate_size, num_attention_heads, vocab_size } = tinyConfig;
  const sizes = { hidden_size, intermediate_size, num_attention_heads, vocab_size, num_hidden_layers: 8 };
  return parseConfig({ ...sizes, model_type: modelType, max_position_embeddings: 512, ...fields });
}

function contextOf(modelType: string, fields: Record<string, unknown> = {}) {
  const spec = specOf(modelType, fields);
  return writtenContext(architectureOf(spec), spec);
}

const head = { head_dim: 16, query_pre_attn_scalar: 16 };

describe('the context that a GGUF file names', () => {
  it.each([
    ['llama', {}, 512],
    ['smollm3', {}, 512],
    ['gemma3_text', { ...head, sliding_window: 64 }, 512],
    ['granite', { attention_multiplier: 0.5 }, 512],
    ['lfm2', { num_key_value_heads: 2, full_attn_idxs: [2, 5] }, 512],
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
    [
      'merge.gguf_heads',
      'lfm2',
      { num_key_value_heads: 2, head_dim: 32 },
      { width: 128, hidden: 32, architecture: 'lfm2' },
    ],
    ['merge.gguf_experts', 'qwen3_moe', { norm_topk_prob: false }, { architecture: 'qwen3moe' }],
    ['merge.gguf_scale', 'gemma3_text', { ...head, query_pre_attn_scalar: 64 }, { scale: 0.125 }],
  ] as const)('%s: %s with %j', async (code, modelType, fields, params) => {
    await expectGraftError(() => contextOf(modelType, fields), code, params);
  });

  it('factors of rotary embeddings where llama.cpp has none', async () => {
    const scaling = {
      rope_type: 'llama3',
      factor: 8,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 64,
    };
    const fields = { num_key_value_heads: 2, rope_scaling: scaling };
    const rope = (modelType: string) =>
      writtenRope(architectureOf({ family: modelType }), specOf(modelType, fields));
    expect(rope('llama').scaling.rope_type).toBe('llama3');
    await expectGraftError(() => rope('lfm2'), 'merge.gguf_rope', { type: 'llama3' });
  });

  it('biases of LFM2', () => {
    const lfm2 = architectureOf({ family: 'lfm2' });
    expect(ggufTensorName(lfm2, 'model.layers.0.conv.in_proj.weight')).toBe('blk.0.shortconv.in_proj.weight');
    expect(ggufTensorName(lfm2, 'model.layers.0.conv.in_proj.bias')).toBeNull();
  });

  it('a family that it does not have', async () => {
    await expectGraftError(() => contextOf('olmo2'), 'merge.gguf_family', { family: 'olmo2' });
  });
});
