import type { PeftAdapter } from '../peft.ts';
import { GraftError } from '../../../base/lib/errors.ts';
import { concatBytes } from '../../../base/lib/bytes.ts';
import { encodeFloats } from '../../../base/lib/floats.ts';
import { ggufTensorName, headsOf, permuted, type GgufArchitecture } from './architectures.ts';
import { ggufLayout, type GgufEntry, type GgufKey } from './ggufWriter.ts';

/** A LoRA adapter as a GGUF file: small enough to be in memory. */
export interface LoraGguf {
  bytes: Uint8Array<ArrayBuffer>;
  tensors: number;
}

/**
 * A PEFT adapter as llama.cpp's `--lora` reads it (its convert_lora_to_gguf.py): A and B of each module in F32, the rows of
 * B in RoPE's other order where the architecture's q and k are. llama.cpp scales by alpha ÷ rank with one alpha for all: it
 * is chosen for the first module, and what differs (rsLoRA, alpha and rank patterns) is in the others' B. Throws
 * `merge.gguf_tensor`.
 */
export function loraGguf(
  architecture: GgufArchitecture,
  sizes: { heads: number; kvHeads: number },
  { modules }: PeftAdapter,
  general: readonly GgufKey[],
): LoraGguf {
  // One with an alpha of 0 does nothing, and nothing can be divided by it.
  const first = [...modules.values()].find(({ scale }) => scale !== 0);
  const alpha = Math.fround(first ? first.scale * first.rank : 1);
  const entries: GgufEntry[] = [];
  const data: Uint8Array[] = [];
  for (const [path, { rank, scale, a, b, inFeatures, outFeatures }] of modules) {
    const tensor = ggufTensorName(architecture, `${path}.weight`);
    if (tensor === null)
      throw new GraftError('merge.gguf_tensor', { tensor: path, architecture: architecture.name });
    const heads = architecture.permutesHeads ? headsOf(`${path}.weight`, sizes) : null;
    const factor = (scale * rank) / alpha;
    const scaled = Math.fround(factor) === 1 ? b : b.map((value) => value * factor);
    const ordered = heads === null ? scaled : permuted(scaled, outFeatures / heads, rank);
    entries.push({ name: `${tensor}.lora_a`, type: 'F32', shape: [rank, inFeatures] });
    entries.push({ name: `${tensor}.lora_b`, type: 'F32', shape: [outFeatures, rank] });
    data.push(encodeFloats(a, 'F32'), encodeFloats(ordered, 'F32'));
  }
  const keys: GgufKey[] = [
    ...general,
    { key: 'adapter.type', type: 'string', value: 'lora' },
    { key: 'adapter.lora.alpha', type: 'f32', value: alpha },
    { key: 'general.file_type', type: 'u32', value: 0 },
    { key: 'general.quantization_version', type: 'u32', value: 2 },
  ];
  const { header, tensors } = ggufLayout(keys, entries);
  const padded = data.flatMap((bytes, i) => [
    bytes,
    new Uint8Array(tensors[i]!.byteLength - bytes.byteLength),
  ]);
  return { bytes: concatBytes([header, ...padded]), tensors: entries.length };
}
