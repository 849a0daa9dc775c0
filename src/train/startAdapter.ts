import type { Recipe } from '../config/recipe.ts';
import type { PeftAdapter } from '../formats/peft.ts';
import { loadAdapter, type AdapterDescription } from '../model/adapterFiles.ts';
import type { Decoder } from '../model/decoder.ts';
import { LoraAdapter } from '../model/loraAdapter.ts';
import { planLora } from '../model/loraModules.ts';
import { copyModelValues, planSaved } from '../model/savedModules.ts';

/**
 * The adapter a run begins with: fresh by the recipe, or `initial` as it is, whose own modules, ranks and
 * scales then hold. Throws `train.no_targets`, `train.no_saved_module`, `train.layer_out_of_range`, `model.adapter_*`.
 */
export async function startAdapter(
  decoder: Decoder,
  recipe: Recipe,
  initial: PeftAdapter | null,
): Promise<LoraAdapter> {
  const { gpu, spec } = decoder;
  if (initial) return loadAdapter(gpu, spec, initial);
  const adapter = new LoraAdapter(gpu, planLora(spec, recipe), planSaved(spec, recipe.modules_to_save));
  await copyModelValues(decoder, adapter);
  // Millions of random numbers take their time, and a dry device keeps none.
  if (!gpu.dry) adapter.initialize(recipe.seed);
  return adapter;
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
