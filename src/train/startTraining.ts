import type { Recipe } from '../config/recipe.ts';
import type { PeftAdapter } from '../formats/peft.ts';
import { GraftError } from '../lib/errors.ts';
import type { Decoder } from '../model/decoder.ts';
import { FullParameters } from '../model/fullParameters.ts';
import type { ModelFiles } from '../model/openModel.ts';
import { groupsOf } from '../model/siblings.ts';
import type { DecoderSpec } from '../model/spec.ts';
import type { Trainable } from '../model/trainable.ts';
import { planAdapter, startAdapter } from './startAdapter.ts';

/** Bytes of activations that are kept rather than made again. */
const KEPT_ACTIVATIONS = 512 * 1024 * 1024;

/**
 * What a run trains, as it begins, by the recipe's method: an adapter (`startAdapter`), or with "full" every parameter
 * of the model with the model's own values, which needs all of its weights on the GPU.
 * Throws what `startAdapter` throws.
 */
export async function startTraining(
  decoder: Decoder,
  recipe: Recipe,
  initial: PeftAdapter | null = null,
): Promise<Trainable> {
  if (recipe.method !== 'full') return startAdapter(decoder, recipe, initial);
  const keeps = activationBytes(decoder.spec, recipe) <= KEPT_ACTIVATIONS;
  const trained = new FullParameters(decoder.gpu, decoder.spec, keeps);
  try {
    await trained.copyModel(decoder);
    return trained;
  } catch (error) {
    trained.dispose();
    throw error;
  }
}

/** About what the activations of all blocks take, for the longest micro-batch that the recipe allows. */
function activationBytes(spec: DecoderSpec, { batch_size, max_length }: Recipe): number {
  const { layers, hiddenSize, ffnSize, qkNorm } = spec;
  const { qkv, o, gateUp } = groupsOf(spec);
  const numbers = 3 * hiddenSize + (qkNorm ? 2 : 1) * qkv.width + o.inFeatures + gateUp.width + ffnSize;
  return 4 * numbers * layers * batch_size * Math.min(max_length, spec.maxPositions);
}

/**
 * Whether a recipe can train this model, told from headers alone. Throws `train.no_targets`, `train.no_saved_module`,
 * `train.layer_out_of_range`, `train.target_saved`, `train.full_quantized`.
 */
export function checkTraining({ spec, quantization }: ModelFiles, recipe: Recipe): void {
  if (recipe.method === 'full') {
    if (quantization) throw new GraftError('train.full_quantized', { method: quantization.method });
    return;
  }
  planAdapter(spec, recipe);
}
