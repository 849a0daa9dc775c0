import type { Recipe } from '../../../base/config/recipe.ts';
import { GraftError } from '../../../base/lib/errors.ts';
import { isHead, isParameter, type LoraModule } from './loraModules.ts';

type Init = Recipe['init_lora_weights'];

/** The shorter side up to which a matrix is decomposed exactly: the time grows with its cube. */
const MAX_EXACT = 1024;

/** Whether an adapter begins as the largest singular values of the weights, by PEFT's names. */
export function isPissa(init: Init | undefined): boolean {
  return init !== undefined && init !== 'default';
}

/** The passes of subspace iteration that an initialization takes; null for an exact decomposition. */
export function passesOf(init: Init): number | null {
  const [, passes] = init.split('_niter_');
  return passes === undefined ? null : Number(passes);
}

/**
 * Checks that a recipe can begin with PiSSA. The frozen half of its adapter must keep its values, take what the other half
 * takes, and be taken from weights in floats.
 * Throws `train.pissa_setting`, `train.pissa_module`, `train.pissa_rank`, `train.pissa_exact`.
 */
export function checkPissa(modules: readonly LoraModule[], recipe: Recipe): void {
  const { init_lora_weights: init } = recipe;
  if (!isPissa(init)) return;
  const refuse = (
    key: 'method' | 'dropout' | 'dora' | 'start_rank' | 'weight_decay' | 'eps',
    instead: string,
  ) => {
    throw new GraftError('train.pissa_setting', { init, key, value: String(recipe[key]), instead });
  };
  if (recipe.method === 'qlora') refuse('method', 'lora');
  if (recipe.dropout !== 0) refuse('dropout', '0');
  if (recipe.dora) refuse('dora', 'false');
  if (recipe.start_rank !== 0) refuse('start_rank', '0');
  if (recipe.weight_decay !== 0) refuse('weight_decay', '0');
  // 0 / 0 where a gradient is always zero.
  if (recipe.eps === 0) refuse('eps', '1e-8');
  for (const module of modules) {
    const { path, linear, rank } = module;
    if (isHead(module) || isParameter(linear))
      throw new GraftError('train.pissa_module', { init, module: path });
    const side = Math.min(linear.inFeatures, linear.outFeatures);
    const trained = rank - (module.frozen ?? 0);
    if (trained > side) throw new GraftError('train.pissa_rank', { module: path, rank: trained, side });
    if (passesOf(init) === null && side > MAX_EXACT)
      throw new GraftError('train.pissa_exact', { module: path, side, limit: MAX_EXACT });
  }
}
