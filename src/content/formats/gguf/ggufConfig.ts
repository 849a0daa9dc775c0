import { GraftError } from '../../../base/lib/errors.ts';
import type { JsonValue } from '../pythonJson.ts';
import { clip } from '../safetensorsHeader.ts';
import { ggufArchitecture, ggufArchitectures, type GgufArchitecture } from './architectures.ts';
import { decodeFloats } from '../../../base/lib/floats.ts';
import type { GgufFile } from './ggufFile.ts';
import { missing, positive, shortest, size } from './keyNumbers.ts';
import { findLlama3Scaling } from './ropeFactors.ts';
import { convolutionFields, layerHeads } from './shortConvolutions.ts';
import { expertFields } from './stackedExperts.ts';

/** What a GGUF file says of its model's sizes. */
export interface GgufSizes {
  architecture: GgufArchitecture;
  heads: number;
  kvHeads: number;
  /** Whether each layer attends, where some are short convolutions; null where all do. */
  attends: readonly boolean[] | null;
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
  if (architecture.convolutions) return { architecture, heads, ...layerHeads(gguf, name, heads) };
  const kvHeads = size(gguf, `${name}.attention.head_count_kv`, heads);
  return { architecture, heads, kvHeads, attends: null };
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
    [architecture.normEps ?? 'rms_norm_eps']: shortest(
      positive(gguf, key('attention.layer_norm_rms_epsilon')),
    ),
    rope_theta: shortest(gguf.number(key('rope.freq_base')) ?? 10_000),
    ...(rope && { rope_scaling: rope }),
    ...(sizes.attends
      ? convolutionFields(gguf, name, sizes.attends)
      : { attention_bias: has('blk.0.attn_q.bias'), mlp_bias: has('blk.0.ffn_gate.bias') }),
    ...(architecture.experts && expertFields(gguf, name)),
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
