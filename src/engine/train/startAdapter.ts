import type { Recipe } from '../../base/config/recipe.ts';
import type { PeftAdapter } from '../../content/formats/peft.ts';
import { loadAdapter, matchModules } from '../model/trained/adapterFiles.ts';
import type { AdapterDescription } from '../model/trained/trainable.ts';
import { GraftError } from '../../base/lib/errors.ts';
import type { Decoder } from '../model/decoder/decoder.ts';
import { LoraAdapter } from '../model/trained/loraAdapter.ts';
import { isParameter, planLora, type LoraModule } from '../model/trained/loraModules.ts';
import { planSaved, type SavedSpec } from '../model/trained/savedModules.ts';
import { startMagnitudes } from '../model/trained/doraStart.ts';
import { checkPissa, isPissa } from '../model/trained/pissa.ts';
import type { PissaProgress } from '../model/trained/pissaStart.ts';
import { copyModelValues } from '../model/trained/modelValues.ts';
import type { DecoderSpec } from '../model/spec/spec.ts';

/** How the values that a run begins with are made where that takes long (PiSSA). */
export interface StartOptions extends PissaProgress {
  /** They are not used: the caller restores others, or only takes the memory that making them takes. */
  unused?: 'restored' | 'reserved';
}

/**
 * The adapter a run begins with: fresh by the recipe, or `initial` as it is, whose own modules, ranks and
 * scales then hold. Throws `train.no_targets`, `train.no_saved_module`, `train.layer_out_of_range`, `train.target_saved`,
 * `train.adapter_base`, `train.pissa_*`, `model.adapter_*`.
 */
export async function startAdapter(
  decoder: Decoder,
  recipe: Recipe,
  initial: PeftAdapter | null,
  { unused, ...progress }: StartOptions = {},
): Promise<LoraAdapter> {
  const { gpu, spec } = decoder;
  if (initial) {
    checkInitial(initial);
    checkDropout(matchModules(spec, initial), recipe);
    return loadAdapter(gpu, spec, initial, recipe.loraplus_lr_ratio);
  }
  const planned = planAdapter(spec, recipe);
  const adapter = new LoraAdapter(gpu, ...planned, undefined, recipe.loraplus_lr_ratio);
  await copyModelValues(decoder, adapter);
  if (isPissa(recipe.init_lora_weights)) {
    if (unused === 'restored') return adapter;
    const { startPissa } = await import('../model/trained/pissaStart.ts');
    const computes = !gpu.dry && unused === undefined;
    await startPissa(decoder, adapter, recipe, computes, progress).catch((error: unknown) => {
      adapter.dispose();
      throw error;
    });
    return adapter;
  }
  // Millions of random numbers take time, and a dry device stores none.
  if (!gpu.dry) adapter.initialize(recipe.seed);
  await startMagnitudes(decoder, adapter);
  return adapter;
}

/** What a recipe's adapter trains. Throws `train.no_targets`, `train.no_saved_module`, `train.target_saved`, `train.dora_dropout`, … */
export function planAdapter(spec: DecoderSpec, recipe: Recipe): [LoraModule[], SavedSpec[]] {
  const modules = planLora(spec, recipe);
  checkPissa(modules, recipe);
  checkDropout(modules, recipe);
  const saved = planSaved(spec, recipe.modules_to_save);
  const both = modules.find(({ path }) => saved.some(({ module }) => module === path));
  if (both) throw new GraftError('train.target_saved', { module: both.path });
  return [modules, saved];
}

/**
 * PEFT has no dropout for experts and their router, which it adapts as parameters; and with DoRA it drops inputs of the
 * base's product too. Throws `train.expert_dropout`, `train.dora_dropout`.
 */
function checkDropout(modules: readonly LoraModule[], { dropout }: Recipe): void {
  if (dropout === 0) return;
  const parameter = modules.find(({ linear }) => isParameter(linear));
  if (parameter) throw new GraftError('train.expert_dropout', { module: parameter.path, dropout });
  if (modules.some(({ dora }) => dora)) throw new GraftError('train.dora_dropout', { dropout });
}

/** Checks that training can continue an adapter. Throws `train.adapter_base` where it is not LoRA on the model's own weights, and `train.adapter_biases`. */
export function checkInitial({ replaced, biases }: PeftAdapter): void {
  const [biased] = biases?.keys() ?? [];
  if (biased !== undefined) throw new GraftError('train.adapter_biases', { module: `${biased}.bias` });
  const [module] = replaced?.keys() ?? [];
  if (module !== undefined) throw new GraftError('train.adapter_base', { module });
}

/** What the adapter's config will say: the recipe's settings, or those of the adapter it continues. */
export function describeAdapter(
  base: string,
  recipe: Recipe,
  initial: PeftAdapter | null,
  { inside }: Pick<DecoderSpec, 'inside'>,
): AdapterDescription {
  if (!initial) {
    const { rslora, dora, layers, dropout, init_lora_weights: init } = recipe;
    const [twice, times] = isPissa(init) ? [2, rslora ? Math.SQRT2 : 2] : [1, 1];
    const [rank, alpha] = [twice * recipe.rank, times * recipe.alpha];
    return { base, rank, alpha, rslora, dora, layers, dropout, excluded: inside?.others ?? [] };
  }
  return { base, dropout: recipe.dropout, from: initial.config };
}
