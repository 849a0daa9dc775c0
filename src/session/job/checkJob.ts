import type { Recipe, RecipeKey } from '../../base/config/recipe.ts';
import { GraftError } from '../../base/lib/errors.ts';
import type { ActivationDtype } from '../../base/config/runRecord.ts';
import type { DecoderSpec } from '../../engine/model/spec/spec.ts';
import { rankAt } from '../../engine/train/rankSchedule.ts';

/** Relative bounds of a loss, by the dtype the cluster computes in; 16 bits here as there. */
export function boundsOf(activations: ActivationDtype): Record<string, number> {
  return activations === 'f32' ? { float32: 1e-4, bfloat16: 2e-2 } : { float32: 1e-2, bfloat16: 2e-2 };
}

/**
 * Refuses what the other side has no counterpart for: its losses would not be those of this run.
 * @param next the step that a cluster would begin with. Throws `job.setting`, `job.experts`, `job.inside`.
 */
export function checkJob(recipe: Recipe, { experts, inside, mixers }: DecoderSpec, next: number): void {
  if (experts) throw new GraftError('job.experts');
  if (inside) throw new GraftError('job.inside');
  const refuse = (key: RecipeKey, instead: string) => {
    throw new GraftError('job.setting', { key, value: String(recipe[key]), instead });
  };
  if (recipe.objective !== 'sft') refuse('objective', 'sft');
  if (recipe.dora) refuse('dora', 'false');
  if (recipe.init_lora_weights !== 'default') refuse('init_lora_weights', 'default');
  if (recipe.loraplus_lr_ratio !== 1) refuse('loraplus_lr_ratio', '1');
  if (recipe.neftune_noise_alpha !== 0) refuse('neftune_noise_alpha', '0');
  if (recipe.optimizer !== 'adamw') refuse('optimizer', 'adamw');
  if (recipe.method === 'qlora' && recipe.head !== 'stored') refuse('head', 'stored');
  // transformers keeps packed rows apart in attention alone.
  if (recipe.packing && mixers.some(({ kind }) => kind !== 'attention')) refuse('packing', 'false');
  if (rankAt(recipe, next) !== recipe.rank) refuse('start_rank', '0');
}

/** What cannot be the same elsewhere, in the field's words; empty where only the order of sums differs. */
export function differencesOf(recipe: Recipe, activations: ActivationDtype): string[] {
  const said = [
    'Kernels add in another order: losses agree to about 1e-6, never bit for bit.',
    'TF32 must be off, as train.py has it; with --bf16 only the looser bound holds.',
  ];
  if (recipe.dropout > 0)
    said.push(`Dropout ${recipe.dropout} draws other random numbers: losses agree on average only.`);
  if (activations === 'f16') said.push('Activations are f16 here: the bound is 1e-2.');
  if (recipe.method === 'qlora')
    said.push('The base is quantized by bitsandbytes there: the same NF4 blocks of 64, other kernels.');
  if (recipe.kept_inputs !== 'f32')
    said.push(`Layer inputs are saved as ${recipe.kept_inputs} here, as they are there.`);
  if (recipe.spike_guard > 0)
    said.push('The spike guard leaves out no step there; nothing it left out here is replayed.');
  if (recipe.patience > 0) said.push('Early stopping does not end the run there.');
  if (recipe.load_best) said.push('The result there is that of the last step, not the best one.');
  return said;
}
