import type { Recipe } from '../config/recipe.ts';
import type { Gpu } from '../gpu/device.ts';
import type { ElementType } from '../gpu/tensor.ts';
import { GraftError } from '../lib/errors.ts';
import type { Directory } from '../storage/types.ts';
import { Decoder } from './decoder.ts';
import type { DerivedWeights } from './derived/derivedWeights.ts';
import type { ModelFiles } from './openModel.ts';
import { ResidentWeights } from './residentWeights.ts';
import { StreamedWeights } from './streamedWeights.ts';
import { SpillFile } from './spillFile.ts';
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
 * @param options.derived where 4-bit weights are kept for later loads
 * @param options.spillFolder for the inputs of blocks, where those wait on disk: a folder for such files alone
 */
export async function openDecoder(
  gpu: Gpu,
  files: ModelFiles,
  type: ElementType,
  options: {
    quantize?: WeightStorage['quantize'];
    streaming?: Streaming;
    spillFolder?: Directory | null;
    derived?: DerivedWeights | null;
    onProgress?: (done: number, total: number) => void;
  } = {},
): Promise<Decoder> {
  const { quantize = null } = options;
  const derived = (quantize && (await options.derived?.open(files, quantize))) ?? null;
  const storage = { halve: type === 'f16', quantize, derived };
  const { streaming: { slots, ends, spill } = resident, spillFolder = null, onProgress } = options;
  const weights =
    slots === null && !ends
      ? await ResidentWeights.load(gpu, files, storage, onProgress)
      : new StreamedWeights(gpu, files, storage, slots ?? files.spec.layers, ends);
  return new Decoder(gpu, files.spec, weights, type, spill ? new SpillFile(gpu, spillFolder) : null);
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
  // A file that cannot be removed now goes when the next is opened.
  decoder.spill?.dispose().catch(() => undefined);
}
