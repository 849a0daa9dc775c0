import type { JsonValue } from '../pythonJson.ts';
import type { GgufFile } from './ggufFile.ts';
import type { GgufTensor } from './ggufHeader.ts';
import type { GgufKey } from './ggufWriter.ts';
import { size } from './keyNumbers.ts';

/** Experts of a model, by `ExpertsSpec`'s names. */
export interface WrittenExperts {
  experts: number;
  /** How many compute for a token. */
  top: number;
  /** Intermediate size of each. */
  width: number;
}

/** What config.json says of a file's experts. Throws `formats.gguf_key_missing`, `formats.gguf_value`. */
export function expertFields(gguf: GgufFile, name: string): Record<string, JsonValue> {
  const scale = `${name}.expert_weights_scale`;
  const factor = gguf.number(scale) ?? 0;
  // llama.cpp takes 0 for 1.
  if (factor !== 0 && factor !== 1) throw gguf.badValue(scale, 'Graft does not scale the weights of experts');
  const top = size(gguf, `${name}.expert_used_count`);
  const fallback = Math.floor(size(gguf, `${name}.feed_forward_length`) / top);
  return {
    num_experts: expertCount(gguf, name),
    num_experts_per_tok: top,
    moe_intermediate_size: size(gguf, `${name}.expert_feed_forward_length`, fallback),
    norm_topk_prob: true,
    decoder_sparse_step: 1,
    mlp_only_layers: [],
  };
}

/** How many experts a layer has. Throws `formats.gguf_key_missing`, `formats.gguf_value`. */
export function expertCount(gguf: GgufFile, name: string): number {
  return size(gguf, `${name}.expert_count`);
}

/** The keys of experts. */
export function expertKeys(name: string, { experts, top, width }: WrittenExperts): GgufKey[] {
  const u32 = (key: string, value: number): GgufKey => ({ key: `${name}.${key}`, type: 'u32', value });
  return [
    u32('expert_count', experts),
    u32('expert_used_count', top),
    u32('expert_feed_forward_length', width),
  ];
}

/** The parts of a tensor [parts, rows, cols]; null if it is none such. Its blocks are within rows. */
export function partsOf(tensor: GgufTensor, parts: number): GgufTensor[] | null {
  const [count, ...shape] = tensor.shape;
  if (count !== parts || shape.length !== 2) return null;
  const bytes = (tensor.end - tensor.begin) / parts;
  return Array.from({ length: parts }, (_, i) => {
    const begin = tensor.begin + i * bytes;
    return { ...tensor, shape, begin, end: begin + bytes };
  });
}
