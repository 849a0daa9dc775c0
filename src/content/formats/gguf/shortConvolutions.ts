import type { JsonValue } from '../pythonJson.ts';
import type { GgufFile } from './ggufFile.ts';
import type { GgufKey } from './ggufWriter.ts';
import { size, whole } from './keyNumbers.ts';

/** Heads of k and v by layer, where some layers are short convolutions. */
export interface LayerHeads {
  kvHeads: number;
  /** Whether each layer attends. */
  attends: boolean[];
}

/**
 * The layers of an LFM2 file: `attention.head_count_kv` has a number for each, 0 for a convolution (llama.cpp's
 * `is_recr`); one number is that of all. Throws `formats.gguf_key_missing`, `formats.gguf_value`.
 */
export function layerHeads(gguf: GgufFile, name: string, heads: number): LayerHeads {
  const key = `${name}.attention.head_count_kv`;
  const layers = size(gguf, `${name}.block_count`);
  if (typeof gguf.keys.get(key) !== 'object')
    return { kvHeads: size(gguf, key, heads), attends: new Array<boolean>(layers).fill(true) };
  const counts = Array.from(gguf.numbers(key) ?? []);
  if (counts.length !== layers)
    throw gguf.badValue(key, `it has ${counts.length} numbers for ${layers} layers`);
  // Without any layer that attends it does not matter.
  const kvHeads = whole(gguf, key, counts.find((count) => count !== 0) ?? heads);
  if (counts.some((count) => count !== 0 && count !== kvHeads))
    throw gguf.badValue(key, 'it differs from layer to layer, which is not supported');
  return { kvHeads, attends: counts.map((count) => count !== 0) };
}

/** What config.json says of them. Throws `formats.gguf_key_missing`, `formats.gguf_value`. */
export function convolutionFields(
  gguf: GgufFile,
  name: string,
  attends: readonly boolean[],
): Record<string, JsonValue> {
  const window = `${name}.attention.sliding_window`;
  if ((gguf.number(window) ?? 0) > 0)
    throw gguf.badValue(window, 'Graft has no windows for this architecture');
  return {
    layer_types: attends.map((attention) => (attention ? 'full_attention' : 'conv')),
    conv_L_cache: size(gguf, `${name}.shortconv.l_cache`),
    conv_bias: false,
    // The file has the size that comes out.
    block_auto_adjust_ff_dim: false,
  };
}

/** The keys of such layers, in place of one number of heads. */
export function convolutionKeys(
  name: string,
  kvHeads: number,
  { taps, attends }: { taps: number; attends: readonly boolean[] },
): GgufKey[] {
  const counts = attends.map((attention) => (attention ? kvHeads : 0));
  return [
    { key: `${name}.attention.head_count_kv`, type: 'i32', list: counts },
    { key: `${name}.shortconv.l_cache`, type: 'u32', value: taps },
  ];
}
