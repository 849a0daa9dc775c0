import type { ByteSource, Folder } from '../storage/types.ts';
import { safetensorsLayout } from '../formats/safetensorsLayout.ts';
import { assert } from '../lib/errors.ts';
import { parseConfig } from '../model/config.ts';
import { tensorsOf } from '../model/spec.ts';

function qwenShape(
  [hidden_size, intermediate_size, num_hidden_layers]: [number, number, number],
  [num_attention_heads, num_key_value_heads]: [number, number],
  vocab_size: number,
  tie_word_embeddings: boolean,
): Readonly<Record<string, unknown>> {
  return {
    architectures: ['Qwen2ForCausalLM'],
    model_type: 'qwen2',
    ...{ hidden_size, intermediate_size, num_hidden_layers, num_attention_heads, num_key_value_heads },
    ...{ vocab_size, tie_word_embeddings, max_position_embeddings: 32768 },
    ...{ rms_norm_eps: 1e-6, rope_theta: 1000000 },
  };
}

/** config.json of Qwen2.5's sizes. */
export const qwen25 = {
  '0.5B': qwenShape([896, 4864, 24], [14, 2], 151936, true),
  '7B': qwenShape([3584, 18944, 28], [28, 4], 152064, false),
  '72B': qwenShape([8192, 29568, 80], [64, 8], 152064, false),
};

/**
 * A model folder of any size that takes no memory: its weights are zeros made as they are read, or, without `data`,
 * cannot be read at all.
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
  return {
    name,
    size,
    async read(offset, length) {
      assert(data || offset + length <= start.byteLength, `bytes ${offset} to ${offset + length} were read`);
      const bytes = new Uint8Array(length);
      if (offset < start.byteLength) bytes.set(start.subarray(offset, offset + length));
      return bytes;
    },
  };
}
