import type { Recipe } from '../config/recipe.ts';
import type { Gpu } from '../gpu/device.ts';
import type { ElementType } from '../gpu/tensor.ts';
import { GraftError } from '../lib/errors.ts';
import { Decoder } from './decoder.ts';
import type { ModelFiles } from './openModel.ts';
import { ResidentWeights } from './residentWeights.ts';
import { StreamedWeights } from './streamedWeights.ts';
import { resident, type Streaming } from './streaming.ts';
import type { WeightStorage } from './weightLoader.ts';

/** The element type a recipe's `dtype` means on this adapter. Throws `gpu.no_f16`. */
export function activationType(gpu: Gpu, dtype: Recipe['dtype']): ElementType {
  if (dtype === 'f16' && !gpu.hasF16) throw new GraftError('gpu.no_f16', { adapter: gpu.description });
  return dtype === 'f16' ? 'f16' : 'f32';
}

/**
 * Makes a decoder and the weights it owns: `closeDecoder` frees both.
 * @param options.streaming what stays on disk; by default every weight is loaded
 */
export async function openDecoder(
  gpu: Gpu,
  files: ModelFiles,
  type: ElementType,
  options: {
    quantize?: WeightStorage['quantize'];
    streaming?: Streaming;
    onProgress?: (done: number, total: number) => void;
  } = {},
): Promise<Decoder> {
  const storage = { halve: type === 'f16', quantize: options.quantize ?? null };
  const { streaming: { slots } = resident, onProgress } = options;
  const weights =
    slots === null
      ? await ResidentWeights.load(gpu, files, storage, onProgress)
      : new StreamedWeights(gpu, files, storage, slots);
  return new Decoder(gpu, files.spec, weights, type);
}

/** The 4 bits a recipe asks for, or null. */
export function quantizationOf({
  method,
  double_quant,
}: Pick<Recipe, 'method' | 'double_quant'>): WeightStorage['quantize'] {
  return method === 'qlora' ? { doubleQuant: double_quant } : null;
}

/** Frees a decoder and its weights. */
export function closeDecoder(decoder: Decoder): void {
  decoder.dispose();
  decoder.weights.dispose();
}
