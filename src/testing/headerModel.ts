import { copyingSource } from '../base/storage/byteSource.ts';
import type { ByteSource, Folder } from '../base/storage/types.ts';
import { safetensorsLayout } from '../content/formats/safetensorsLayout.ts';
import { assert } from '../base/lib/errors.ts';
import { parseConfig } from '../engine/model/spec/config.ts';
import { tensorsOf } from '../engine/model/spec/spec.ts';

function qwenShape(
  [hidden_size, intermediate_size, num_hidden_layers]: [number, number, number],
  [num_attention_heads, num_key_value_heads]: [number, number],
  vocab_size: number,
  tie_word_embeddings: boolean,
): Readonly<Record<string, unknown>> {
  return {
    architectures: ['Qwen2ForCausalLM'],
    model_type: 'qwen2',
    hidden_size,
    intermediate_size,
    num_hidden_layers,
    num_attention_heads,
    num_key_value_heads,
    vocab_size,
    tie_word_embeddings,
    max_position_embeddings: 32768,
    rms_norm_eps: 1e-6,
    rope_theta: 1000000,
  };
}

/** config.json of Qwen2.5's sizes. */
export const qwen25 = {
  '0.5B': qwenShape([896, 4864, 24], [14, 2], 151936, true),
  '7B': qwenShape([3584, 18944, 28], [28, 4], 152064, false),
  '14B': qwenShape([5120, 13824, 48], [40, 8], 152064, false),
  '72B': qwenShape([8192, 29568, 80], [64, 8], 152064, false),
};

/** config.json of mixtures of experts. */
export const mixtures = {
  'OLMoE-1B-7B': {
    model_type: 'olmoe',
    hidden_size: 2048,
    intermediate_size: 1024,
    num_hidden_layers: 16,
    num_attention_heads: 16,
    num_key_value_heads: 16,
    num_experts: 64,
    num_experts_per_tok: 8,
    vocab_size: 50304,
    max_position_embeddings: 4096,
    rope_theta: 10000,
  },
  'Qwen3-30B-A3B': {
    model_type: 'qwen3_moe',
    hidden_size: 2048,
    intermediate_size: 6144,
    moe_intermediate_size: 768,
    num_hidden_layers: 48,
    num_attention_heads: 32,
    num_key_value_heads: 4,
    head_dim: 128,
    num_experts: 128,
    num_experts_per_tok: 8,
    norm_topk_prob: true,
    vocab_size: 151936,
    max_position_embeddings: 40960,
    rope_theta: 1000000,
  },
};

/**
 * A model folder of any size that takes no memory: its weights are zeros created on read or, without `data`, can't be
 * read at all.
 */
export function headerModel(
  config: Readonly<Record<string, unknown>>,
  { dtype = 'BF16', data = false }: { dtype?: string; data?: boolean } = {},
): Folder {
  const spec = parseConfig(config);
  const entries = [...tensorsOf(spec)].map((tensor) => ({ ...tensor, dtype }));
  const { header, totalBytes } = safetensorsLayout(entries);
  const files: Record<string, ByteSource> = {
    'config.json': sourceOf('config.json', new TextEncoder().encode(JSON.stringify(config))),
    'model.safetensors': sourceOf('model.safetensors', header, totalBytes, data),
  };
  return {
    name: 'headers',
    list: async () => Object.keys(files),
    open: async (file) => files[file]!,
  };
}

function sourceOf(name: string, start: Uint8Array, size = start.byteLength, data = false): ByteSource {
  return copyingSource({
    name,
    size,
    async read(offset, length) {
      assert(data || offset + length <= start.byteLength, `bytes ${offset} to ${offset + length} were read`);
      const bytes = new Uint8Array(length);
      if (offset < start.byteLength) bytes.set(start.subarray(offset, offset + length));
      return bytes;
    },
  });
}
