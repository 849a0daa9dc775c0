import { encodeFloats } from '../base/lib/floats.ts';
import { encodeSafetensors } from '../content/formats/safetensorsWriter.ts';
import { shardIndexJson, type ShardPlan } from '../content/formats/sharding.ts';
import { createRandom } from '../base/lib/random.ts';
import { parseConfig } from '../engine/model/spec/config.ts';
import { tensorsOf } from '../engine/model/spec/spec.ts';
import { MemoryFolder } from '../base/storage/memoryFolder.ts';

/** config.json of a Llama small enough for software adapters: grouped queries, untied, 2 layers. */
export const tinyConfig: Readonly<Record<string, unknown>> = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  hidden_size: 32,
  intermediate_size: 40,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  vocab_size: 40,
  max_position_embeddings: 64,
  rms_norm_eps: 1e-5,
  rope_theta: 10000,
  tie_word_embeddings: false,
};

/** config.json of a Qwen v1 of that size. */
export const qwenConfig: Readonly<Record<string, unknown>> = {
  architectures: ['QWenLMHeadModel'],
  model_type: 'qwen',
  hidden_size: 64,
  intermediate_size: 96,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  kv_channels: 16,
  vocab_size: 40,
  seq_length: 64,
  max_position_embeddings: 8192,
  layer_norm_epsilon: 1e-6,
  rotary_emb_base: 10000,
  rotary_pct: 1.0,
  no_bias: true,
  use_dynamic_ntk: true,
  use_logn_attn: true,
  tie_word_embeddings: false,
};

/** A checkpoint tensor as written: bytes in its own dtype. */
export interface TinyTensor {
  name: string;
  dtype: string;
  shape: number[];
  bytes: Uint8Array<ArrayBuffer>;
}

export interface TinyModelOptions {
  /** Fields that override those of `tinyConfig`. */
  config?: Record<string, unknown>;
  seed?: number;
  /** The dtype of every tensor, or by name. */
  dtype?: string | ((name: string) => string);
  /** Changes the list of tensors before it is written. */
  edit?(tensors: TinyTensor[]): TinyTensor[];
  /** Number of tensors in the first of two shards; a single file without it. */
  firstShard?: number;
  /** Other files of the folder. */
  files?: Record<string, string>;
}

/** A random in-memory model folder: the same options give the same bytes. */
export function tinyModel(options: TinyModelOptions = {}): MemoryFolder {
  const { seed = 1, dtype = 'F32', edit = (tensors) => tensors, firstShard, files = {} } = options;
  const config = { ...tinyConfig, ...options.config };
  const random = createRandom(seed);
  const dtypeOf = typeof dtype === 'string' ? () => dtype : dtype;
  const tensors = edit(
    [...tensorsOf(parseConfig(config))].map(({ name, shape }) => {
      const stream = random.fork(name);
      // Of the scale of a trained model: norms near 1, products of unit size.
      const [center, scale] = name.includes('norm') ? [1, 0.2] : [0, name.includes('embed') ? 1 : 0.5];
      const length = shape.reduce((product, n) => product * n, 1);
      const values = Float32Array.from({ length }, () => center + scale * (2 * stream.next() - 1));
      return { name, dtype: dtypeOf(name), shape, bytes: encodeFloats(values, dtypeOf(name)) };
    }),
  );
  const folder = new MemoryFolder('tiny', { 'config.json': JSON.stringify(config), ...files });
  for (const [file, content] of Object.entries(weightFiles(tensors, firstShard))) {
    folder.files.set(file, content);
  }
  return folder;
}

function weightFiles(tensors: TinyTensor[], firstShard?: number): Record<string, Uint8Array<ArrayBuffer>> {
  if (firstShard === undefined) return { 'model.safetensors': encodeSafetensors(tensors, { format: 'pt' }) };
  const parts = [tensors.slice(0, firstShard), tensors.slice(firstShard)];
  const plan: ShardPlan[] = parts.map((part, i) => ({
    file: `model-0000${i + 1}-of-00002.safetensors`,
    names: part.map(({ name }) => name),
  }));
  const total = tensors.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
  const shards = parts.map((part, i) => [plan[i]!.file, encodeSafetensors(part, { format: 'pt' })] as const);
  const index = new TextEncoder().encode(shardIndexJson(plan, total));
  return { ...Object.fromEntries(shards), 'model.safetensors.index.json': index };
}

/** Replaces a tensor's values by `change`, for `edit`. */
export function replaceTensor(
  tensors: TinyTensor[],
  name: string,
  change: (tensor: TinyTensor) => Partial<TinyTensor>,
): TinyTensor[] {
  return tensors.map((tensor) => (tensor.name === name ? { ...tensor, ...change(tensor) } : tensor));
}
