import type { Recipe } from '../../../base/config/recipe.ts';
import type { ActivationDtype } from '../../../base/config/runRecord.ts';
import type { Gpu } from '../../gpu/device.ts';
import { GraftError } from '../../../base/lib/errors.ts';
import type { Directory } from '../../../base/storage/types.ts';
import { Decoder } from '../decoder/decoder.ts';
import type { QuantizedCache } from './quantizedCache/quantizedCache.ts';
import type { ModelFiles } from '../spec/openModel.ts';
import { ResidentWeights } from './residentWeights.ts';
import { StreamedWeights } from './streamedWeights.ts';
import { SpillFile } from '../decoder/spillFile.ts';
import { resident, type Streaming } from './streaming.ts';
import type { WeightStorage } from './weightStorage.ts';

/**
 * The element type of activations by a recipe's `dtype` on this adapter. `auto` is f16 where shaders have it, but f32 on
 * software adapters and where the model itself is trained. Throws `gpu.no_f16`.
 */
export function activationType(
  gpu: Pick<Gpu, 'hasF16' | 'kernelKind' | 'description'>,
  { dtype, method }: Pick<Recipe, 'dtype' | 'method'>,
): ActivationDtype {
  if (dtype === 'auto') return gpu.hasF16 && gpu.kernelKind === 'gpu' && method !== 'full' ? 'f16' : 'f32';
  if (dtype === 'f16' && !gpu.hasF16) throw new GraftError('gpu.no_f16', { adapter: gpu.description });
  return dtype;
}

/**
 * Opens a decoder together with its weights; `closeDecoder` frees both.
 * @param options.streaming what stays on disk; by default all weights are loaded
 * @param options.head the head in fewer bits; by default as it is stored
 * @param options.derived cache of 4-bit weights on disk
 * @param options.spillFolder for block inputs that are stored on disk: a folder used for nothing else
 */
export async function openDecoder(
  gpu: Gpu,
  files: ModelFiles,
  type: ActivationDtype,
  options: {
    quantize?: WeightStorage['quantize'];
    head?: WeightStorage['head'];
    streaming?: Streaming;
    spillFolder?: Directory | null;
    derived?: QuantizedCache | null;
    onProgress?: (done: number, total: number) => void;
  } = {},
): Promise<Decoder> {
  const { quantize = null, head = null } = options;
  const derived = (quantize && (await options.derived?.open(files, quantize))) ?? null;
  const storage = { halve: type === 'f16', quantize, head, derived };
  const { streaming: { slots, ends, spill } = resident, spillFolder = null, onProgress } = options;
  const weights =
    slots === null && !ends
      ? await ResidentWeights.load(gpu, files, storage, onProgress)
      : new StreamedWeights(gpu, files, storage, slots ?? files.spec.layers, ends);
  return new Decoder(gpu, files.spec, weights, type, spill ? new SpillFile(gpu, spillFolder) : null);
}

/** The 4-bit quantization of a recipe, or null. */
export function quantizationOf({
  method,
  double_quant,
}: Pick<Recipe, 'method' | 'double_quant'>): WeightStorage['quantize'] {
  return method === 'qlora' ? { doubleQuant: double_quant } : null;
}

/** How a recipe stores the head, where that is not as its file has it. */
export function headOf({
  head,
  double_quant: doubleQuant,
}: Pick<Recipe, 'head' | 'double_quant'>): WeightStorage['head'] {
  if (head === '8bit') return { form: 'int8' };
  return head === 'nf4' ? { form: 'nf4', doubleQuant } : null;
}

/** Frees a decoder and its weights. */
export function closeDecoder(decoder: Decoder): void {
  decoder.dispose();
  decoder.weights.dispose();
  // A file that cannot be removed now is removed when the next is opened.
  decoder.spill?.dispose().catch(() => undefined);
}
