import type { Recipe } from '../config/recipe.ts';
import type { Gpu } from '../gpu/device.ts';
import type { ElementType } from '../gpu/tensor.ts';
import { GraftError } from '../lib/errors.ts';
import { Decoder } from './decoder.ts';
import type { ModelFiles } from './openModel.ts';
import { ResidentWeights } from './residentWeights.ts';

/** The element type a recipe's `dtype` means on this adapter. Throws `gpu.no_f16`. */
export function activationType(gpu: Gpu, dtype: Recipe['dtype']): ElementType {
  if (dtype === 'f16' && !gpu.hasF16) throw new GraftError('gpu.no_f16', { adapter: gpu.description });
  return dtype === 'f16' ? 'f16' : 'f32';
}

/** Loads every weight of a model and makes the decoder that owns them: `closeDecoder` frees both. */
export async function openDecoder(
  gpu: Gpu,
  { spec, checkpoint }: ModelFiles,
  type: ElementType,
  onProgress?: (done: number, total: number) => void,
): Promise<Decoder> {
  const weights = await ResidentWeights.load(gpu, spec, checkpoint, { halve: type === 'f16', onProgress });
  return new Decoder(gpu, spec, weights, type);
}

/** Frees a decoder and its weights. */
export function closeDecoder(decoder: Decoder): void {
  decoder.dispose();
  decoder.weights.dispose();
}
