import type { Recipe } from '../config/recipe.ts';
import type { PeftAdapter } from '../formats/peft.ts';
import type { Gpu } from '../gpu/device.ts';
import { loadAdapter, type AdapterDescription } from '../model/adapterFiles.ts';
import { LoraAdapter } from '../model/loraAdapter.ts';
import { planLora } from '../model/loraModules.ts';
import type { DecoderSpec } from '../model/spec.ts';

/**
 * The adapter a run begins with: fresh by the recipe, or `initial` as it is, whose own modules, ranks and
 * scales then hold. Throws `train.no_targets`, `train.layer_out_of_range`, `model.adapter_*`.
 */
export function startAdapter(
  gpu: Gpu,
  spec: DecoderSpec,
  recipe: Recipe,
  initial: PeftAdapter | null,
): LoraAdapter {
  if (initial) return loadAdapter(gpu, spec, initial);
  const adapter = new LoraAdapter(gpu, planLora(spec, recipe));
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
