import type { Recipe } from '../config/recipe.ts';
import type { PeftAdapter } from '../formats/peft.ts';
import { loadAdapter, type AdapterDescription } from '../model/adapterFiles.ts';
import { GraftError } from '../lib/errors.ts';
import type { Decoder } from '../model/decoder.ts';
import { LoraAdapter } from '../model/loraAdapter.ts';
import { planLora, type LoraModule } from '../model/loraModules.ts';
import { copyModelValues, planSaved, type SavedSpec } from '../model/savedModules.ts';
import type { DecoderSpec } from '../model/spec.ts';

/**
 * The adapter a run begins with: fresh by the recipe, or `initial` as it is, whose own modules, ranks and
 * scales then hold. Throws `train.no_targets`, `train.no_saved_module`, `train.layer_out_of_range`, `train.target_saved`,
 * `train.adapter_base`, `model.adapter_*`.
 */
export async function startAdapter(
  decoder: Decoder,
  recipe: Recipe,
  initial: PeftAdapter | null,
): Promise<LoraAdapter> {
  const { gpu, spec } = decoder;
  if (initial) {
    checkInitial(initial);
    return loadAdapter(gpu, spec, initial);
  }
  const adapter = new LoraAdapter(gpu, ...planAdapter(spec, recipe));
  await copyModelValues(decoder, adapter);
  // Millions of random numbers take their time, and a dry device keeps none.
  if (!gpu.dry) adapter.initialize(recipe.seed);
  return adapter;
}

/** What a recipe's adapter trains. Throws `train.no_targets`, `train.no_saved_module`, `train.target_saved`, … */
export function planAdapter(spec: DecoderSpec, recipe: Recipe): [LoraModule[], SavedSpec[]] {
  const modules = planLora(spec, recipe);
  const saved = planSaved(spec, recipe.modules_to_save);
  const both = modules.find(({ path }) => saved.some(({ module }) => module === path));
  if (both) throw new GraftError('train.target_saved', { module: both.path });
  return [modules, saved];
}

/** Whether training can go on from an adapter. Throws `train.adapter_base` where it is not LoRA on the model's own weights. */
export function checkInitial({ replaced }: PeftAdapter): void {
  const [module] = replaced?.keys() ?? [];
  if (module !== undefined) throw new GraftError('train.adapter_base', { module });
}

/** What the adapter's config will say: the recipe's settings, or those of the adapter it went on from. */
export function describeAdapter(
  base: string,
  recipe: Recipe,
  initial: PeftAdapter | null,
): AdapterDescription {
  if (!initial) {
    const { rank, alpha, rslora, layers, dropout } = recipe;
    return { base, rank, alpha, rslora, layers, dropout };
  }
  return { base, dropout: recipe.dropout, from: initial.config };
}
