import type { Recipe } from '../../base/config/recipe.ts';
import type { PeftAdapter } from '../../content/formats/peft.ts';
import { GraftError } from '../../base/lib/errors.ts';
import { hasBranch } from '../model/decoder/branch.ts';
import type { Decoder } from '../model/decoder/decoder.ts';
import { FullParameters } from '../model/trained/fullParameters.ts';
import type { ModelFiles } from '../model/spec/openModel.ts';
import { groupsOf } from '../model/spec/fusedProjections.ts';
import type { DecoderSpec } from '../model/spec/spec.ts';
import type { Trainable } from '../model/trained/trainable.ts';
import { isPissa } from '../model/trained/pissa.ts';
import { planAdapter, startAdapter, type StartOptions } from './startAdapter.ts';

/** Bytes of activations up to which they are stored rather than recomputed. */
const MAX_STORED_ACTIVATIONS = 512 * 1024 * 1024;

/**
 * What a run trains, as it begins, by the recipe's method: an adapter (`startAdapter`), or with "full" every parameter
 * of the model with the model's own values, which needs all of its weights on the GPU.
 * Throws what `startAdapter` throws.
 */
export async function startTraining(
  decoder: Decoder,
  recipe: Recipe,
  initial: PeftAdapter | null = null,
  options: StartOptions = {},
): Promise<Trainable> {
  if (recipe.method !== 'full') return startAdapter(decoder, recipe, initial, options);
  const storesActivations = activationBytes(decoder.spec, recipe) <= MAX_STORED_ACTIVATIONS;
  const trained = new FullParameters(decoder.gpu, decoder.spec, storesActivations);
  try {
    await trained.copyModel(decoder);
    return trained;
  } catch (error) {
    trained.dispose();
    throw error;
  }
}

/** Approximate bytes of the activations of all blocks, for the longest micro-batch that the recipe allows. */
function activationBytes(spec: DecoderSpec, { batch_size, max_length }: Recipe): number {
  const { layers, hiddenSize, ffnSize, headNorm } = spec;
  const { gateUp } = groupsOf(spec);
  const ofMixers = spec.mixers.map((mixer) => {
    const { mixerIn, mixerOut } = groupsOf(spec, mixer);
    return (headNorm ? 2 : 1) * mixerIn.width + mixerOut.inFeatures;
  });
  const branches = (['mixer', 'mlp'] as const).filter((half) => hasBranch(spec, half)).length;
  const numbers = (3 + branches) * hiddenSize + Math.max(...ofMixers) + gateUp.width + ffnSize;
  return 4 * numbers * layers * batch_size * Math.min(max_length, spec.maxPositions);
}

/**
 * Checks from headers alone that a recipe can train this model. Throws `train.no_targets`, `train.no_saved_module`,
 * `train.layer_out_of_range`, `train.target_saved`, `train.head_trained`, `train.full_quantized`, `train.pissa_*`.
 */
export function checkTraining({ spec, quantization }: ModelFiles, recipe: Recipe): void {
  if (recipe.method === 'full') {
    if (quantization) throw new GraftError('train.full_quantized', { method: quantization.method });
    checkHead(spec, recipe, true);
    return;
  }
  const [, saved] = planAdapter(spec, recipe);
  const { init_lora_weights: init } = recipe;
  if (quantization && isPissa(init))
    throw new GraftError('train.pissa_quantized', { init, method: quantization.method });
  checkHead(
    spec,
    recipe,
    saved.some(({ role }) => role === 'head'),
  );
}

function checkHead({ names }: DecoderSpec, { head }: Recipe, isTrained: boolean): void {
  if (!isTrained || head === 'stored') return;
  const module = names.head.slice(names.head.lastIndexOf('.') + 1);
  throw new GraftError('train.head_trained', { head, module });
}
