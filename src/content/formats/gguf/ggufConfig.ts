import { GraftError } from '../../../base/lib/errors.ts';
import type { JsonValue } from '../pythonJson.ts';
import { clip } from '../safetensorsHeader.ts';
import { ggufArchitecture, ggufArchitectures, type GgufArchitecture } from './architectures.ts';
import { decodeFloats } from '../../../base/lib/floats.ts';
import type { GgufFile } from './ggufFile.ts';
import { findLlama3Scaling } from './ropeFactors.ts';

/** What a GGUF file says of its model's sizes. */
export interface GgufSizes {
  architecture: GgufArchitecture;
  heads: number;
  kvHeads: number;
}

type Json = Record<string, JsonValue>;

/**
 * The architecture and heads of a file. Throws `formats.gguf_architecture`, `formats.gguf_adapter`,
 * `formats.gguf_key_missing`.
 */
export function ggufSizes(gguf: GgufFile): GgufSizes {
  const file = gguf.source.name;
  const type = gguf.text('general.type') ?? 'model';
  if (type !== 'model') throw new GraftError('formats.gguf_not_model', { file, type: clip(type) });
  const name = gguf.text('general.architecture');
  if (name === null) throw missing(gguf, 'general.architecture');
  const architecture = ggufArchitecture(name);
  if (!architecture) {
    const known = ggufArchitectures.map((entry) => entry.name).join(', ');
    throw new GraftError('formats.gguf_architecture', { file, architecture: clip(name), known });
  }
  const heads = size(gguf, `${name}.attention.head_count`);
  const kvHeads = size(gguf, `${name}.attention.head_count_kv`, heads);
  return { architecture, heads, kvHeads };
}

/**
 * The config.json of a file's model, as transformers would have it, from its keys (llama.cpp's
 * `set_gguf_parameters`, backwards). Throws `formats.gguf_*` naming the key.
 */
export async function ggufConfig(gguf: GgufFile, sizes: GgufSizes, dtype: string): Promise<Json> {
  const { architecture, heads, kvHeads } = sizes;
  const { name } = architecture;
  const key = (rest: string) => `${name}.${rest}`;
  const hidden = size(gguf, key('embedding_length'));
  const embedding = gguf.tensors.get('token_embd.weight');
  if (!embedding) throw missing(gguf, 'token_embd.weight');
  const has = (tensor: string) => gguf.tensors.has(tensor);
  const specials = Object.fromEntries(
    ['bos', 'eos', 'padding'].map((token) => {
      const id = gguf.number(`tokenizer.ggml.${token}_token_id`);
      return [`${token === 'padding' ? 'pad' : token}_token_id`, id];
    }),
  );
  const rope = await ropeScaling(gguf, name);
  const headDim = gguf.number(key('attention.key_length')) ?? Math.floor(hidden / heads);
  // Heads may turn in part.
  const turned = gguf.number(key('rope.dimension_count')) ?? headDim;
  const numbers = Object.entries(architecture.numbers ?? {}).flatMap(([field, rest]) => {
    const value = gguf.number(key(rest));
    return value === null ? [] : [[field, shortest(value)] as const];
  });
  return {
    architectures: [architecture.className],
    model_type: architecture.modelTypes[0]!,
    hidden_size: hidden,
    intermediate_size: size(gguf, key('feed_forward_length')),
    num_hidden_layers: size(gguf, key('block_count')),
    num_attention_heads: heads,
    num_key_value_heads: kvHeads,
    head_dim: headDim,
    ...(turned < headDim && { partial_rotary_factor: turned / headDim }),
    max_position_embeddings: size(gguf, key('context_length')),
    vocab_size: embedding.shape[0] ?? 0,
    rms_norm_eps: shortest(positive(gguf, key('attention.layer_norm_rms_epsilon'))),
    rope_theta: shortest(gguf.number(key('rope.freq_base')) ?? 10_000),
    ...(rope && { rope_scaling: rope }),
    attention_bias: has('blk.0.attn_q.bias'),
    mlp_bias: has('blk.0.ffn_gate.bias'),
    tie_word_embeddings: !has('output.weight'),
    ...Object.fromEntries(numbers),
    ...specials,
    torch_dtype: dtype,
  };
}

async function ropeScaling(gguf: GgufFile, name: string): Promise<Json | null> {
  const type = gguf.text(`${name}.rope.scaling.type`) ?? 'none';
  const factor = gguf.number(`${name}.rope.scaling.factor`);
  if (type === 'linear') return { rope_type: 'linear', factor: factor ?? 1 };
  // Others follow from the model's family, by their name.
  if (type !== 'none') return { rope_type: type, factor: factor ?? 1 };
  const tensor = gguf.tensors.get('rope_freqs.weight');
  if (!tensor) return null;
  if (tensor.type.name !== 'F32') throw gguf.badValue('rope_freqs.weight', 'its values are no F32');
  const factors = decodeFloats(await gguf.readRange(tensor, 0, tensor.end - tensor.begin), 'F32');
  const theta = gguf.number(`${name}.rope.freq_base`) ?? 10_000;
  const found = findLlama3Scaling(factors, theta);
  if (!found) throw gguf.badValue('rope_freqs.weight', 'its factors are not those of a Llama 3 model');
  return { ...found };
}

/** The whole number of a key, at least 1; a list of equal ones counts as one. */
function size(gguf: GgufFile, key: string, fallback?: number): number {
  const value = gguf.keys.get(key);
  if (typeof value === 'object') {
    const list = gguf.numbers(key) ?? [];
    const [first = 0] = Array.from(list);
    if (Array.from(list).some((item) => item !== first))
      throw gguf.badValue(key, 'it differs from layer to layer, which is not supported');
    return whole(gguf, key, first);
  }
  const number = gguf.number(key) ?? fallback;
  if (number === undefined) throw missing(gguf, key);
  return whole(gguf, key, number);
}

function whole(gguf: GgufFile, key: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 1)
    throw gguf.badValue(key, `${value} is no positive whole number`);
  return value;
}

function positive(gguf: GgufFile, key: string): number {
  const value = gguf.number(key);
  if (value === null) throw missing(gguf, key);
  if (!(value > 0)) throw gguf.badValue(key, `${value} is not positive`);
  return value;
}

/** The shortest decimal number that rounds to an f32: 1e-5, not 0.000009999999747378752. */
function shortest(value: number): number {
  for (let digits = 1; digits < 10; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === Math.fround(value)) return short;
  }
  return value;
}

function missing(gguf: GgufFile, key: string): GraftError {
  return new GraftError('formats.gguf_key_missing', { file: gguf.source.name, key });
}
