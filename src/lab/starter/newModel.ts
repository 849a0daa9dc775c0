import { encodeFloats } from '../../base/lib/floats.ts';
import { encodeSafetensors } from '../../content/formats/safetensorsWriter.ts';
import { singleFileName } from '../../content/formats/sharding.ts';
import { writeBytes, writeText } from '../../content/formats/text.ts';
import { createRandom } from '../../base/lib/random.ts';
import { parseConfig } from '../../engine/model/spec/config.ts';
import { tensorsOf, type DecoderSpec } from '../../engine/model/spec/spec.ts';
import type { WritableFolder } from '../../base/storage/types.ts';

/** Sizes of the starter model: Qwen3's layout, small enough to ship with the page. */
export const sizes = {
  hidden_size: 128,
  intermediate_size: 384,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 32,
  max_position_embeddings: 512,
} as const;

/** Ids of the tokens named in config.json and generation_config.json. */
export interface EndIds {
  /** Ends a turn. */
  eos: number;
  /** Ends a text, and pads rows. */
  pad: number;
}

/** config.json of the starter model, for transformers. */
export function starterConfig(vocabSize: number, { eos, pad }: EndIds): Record<string, unknown> {
  return {
    architectures: ['Qwen3ForCausalLM'],
    model_type: 'qwen3',
    ...sizes,
    vocab_size: vocabSize,
    hidden_act: 'silu',
    rms_norm_eps: 1e-6,
    rope_theta: 10000,
    attention_bias: false,
    attention_dropout: 0,
    tie_word_embeddings: true,
    initializer_range: 0.02,
    use_cache: true,
    use_sliding_window: false,
    bos_token_id: null,
    eos_token_id: eos,
    pad_token_id: pad,
    dtype: 'bfloat16',
  };
}

/** generation_config.json: greedy answers that end with either end token. */
export function generationConfig({ eos, pad }: EndIds): Record<string, unknown> {
  return { do_sample: false, eos_token_id: [eos, pad], pad_token_id: pad };
}

/** A tensor of a checkpoint as floats. */
export interface FloatTensor {
  name: string;
  shape: number[];
  values: Float32Array;
}

/**
 * Random weights of a new model: normal with standard deviation 0.02, norms 1. Projections into the residual stream
 * start smaller by √(2 · layers), so that it does not grow with depth (GPT-2).
 */
export function initialTensors(spec: DecoderSpec, seed: number): FloatTensor[] {
  const random = createRandom(seed);
  const writer = /(o_proj|down_proj)\.weight$/;
  return [...tensorsOf(spec)].map(({ name, shape }) => {
    const length = shape.reduce((product, n) => product * n, 1);
    if (shape.length === 1) return { name, shape, values: new Float32Array(length).fill(1) };
    const stream = random.fork(name);
    const deviation = writer.test(name) ? 0.02 / Math.sqrt(2 * spec.layers) : 0.02;
    return { name, shape, values: Float32Array.from({ length }, () => deviation * stream.normal()) };
  });
}

/** Writes a model folder's configuration and weights in bfloat16. Throws what the folder throws. */
export async function writeModel(
  folder: WritableFolder,
  config: Record<string, unknown>,
  ends: EndIds,
  tensors: readonly FloatTensor[],
): Promise<void> {
  await writeText(folder, 'config.json', jsonText(config));
  await writeText(folder, 'generation_config.json', jsonText(generationConfig(ends)));
  const encoded = tensors.map(({ name, shape, values }) => ({
    name,
    shape,
    dtype: 'BF16',
    bytes: encodeFloats(values, 'BF16'),
  }));
  await writeBytes(folder, singleFileName, encodeSafetensors(encoded, { format: 'pt' }));
}

/** A model folder with random weights. Throws what the folder throws. */
export async function writeNewModel(
  folder: WritableFolder,
  vocabSize: number,
  ends: EndIds,
  seed: number,
): Promise<void> {
  const config = starterConfig(vocabSize, ends);
  await writeModel(folder, config, ends, initialTensors(parseConfig(config), seed));
}

/** JSON for reading: one key per line, with a trailing newline. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
