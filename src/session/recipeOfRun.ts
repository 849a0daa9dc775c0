import type { Recipe } from '../base/config/recipe.ts';
import type { PeftAdapter } from '../content/formats/peft.ts';
import type { ModelFiles } from '../engine/model/spec/openModel.ts';
import { matchModules, matchSaved } from '../engine/model/trained/adapterFiles.ts';
import { isHead, type LoraModule } from '../engine/model/trained/loraModules.ts';
import { lastPart, type SavedSpec } from '../engine/model/trained/savedModules.ts';
import { checkInitial, planAdapter } from '../engine/train/startAdapter.ts';
import { checkTraining } from '../engine/train/startTraining.ts';

/**
 * The recipe as it is run, checked against the model: an adapter that training continues from keeps its own shape.
 * @param initial that adapter; null for a fresh one, and with method "full"
 * @returns it, and whether the adapter's shape replaced the recipe's.
 * Throws `train.no_targets`, `train.no_saved_module`, `train.layer_out_of_range`, `train.full_quantized`, `model.adapter_*`.
 */
export function recipeOfRun(
  files: ModelFiles,
  asked: Recipe,
  initial: PeftAdapter | null,
): { recipe: Recipe; reshaped: boolean } {
  const { spec } = files;
  // All of an adapter's rank has learned something, and it begins with that.
  const recipe = initial ? { ...asked, start_rank: 0, init_lora_weights: 'default' as const } : asked;
  checkTraining(files, recipe);
  if (!initial) return { recipe, reshaped: false };
  checkInitial(initial);
  const modules = matchModules(spec, initial);
  const saved = matchSaved(spec, initial);
  if (shapeText(...planAdapter(spec, recipe)) === shapeText(modules, saved))
    return { recipe, reshaped: false };
  const { r: rank, lora_alpha: alpha, use_rslora: rslora, use_dora: dora } = initial.config;
  const inBlocks = modules.filter((module) => !isHead(module));
  const layers = [...new Set(inBlocks.map(({ layer }) => layer))];
  const shape = {
    rank,
    alpha,
    rslora,
    dora,
    targets: [...new Set(modules.map(({ linear }) => linear.name))],
    modules_to_save: saved.map(lastPart),
    // Without any, all that is there is the head, which layers do not concern.
    layers: layers.length === spec.layers || layers.length === 0 ? ('all' as const) : layers,
  };
  return { recipe: { ...recipe, ...shape }, reshaped: true };
}

function shapeText(modules: readonly LoraModule[], saved: readonly SavedSpec[]): string {
  const pairs = modules.map(({ path, rank, scale, dora }) => `${path} ${rank} ${scale} ${dora === true}`);
  return [...pairs, ...saved.map(({ module }) => module)].join('\n');
}
