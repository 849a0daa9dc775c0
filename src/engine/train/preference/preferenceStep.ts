import type { Recipe } from '../../../base/config/recipe.ts';
import { assert } from '../../../base/lib/errors.ts';
import type { TokenRows } from '../../../content/data/tokens/tokenRows.ts';
import type { Decoder } from '../../model/decoder/decoder.ts';
import { dataShapes, largestTraining } from '../largestBatch.ts';
import { stepsOf } from '../steps.ts';
import { objectiveOf } from './judge.ts';
import { PreferenceObjective } from './preferenceObjective.ts';
import { KeptReferences, referencePlan, type ReferencePlan } from './keptReferences.ts';

/** When a recipe's run on rows of these lengths computes the log-probabilities of its reference; null without one. */
export function referencesOf(recipe: Recipe, lengths: Uint32Array): ReferencePlan | null {
  const { steps, stepsPerEpoch } = stepsOf(recipe, lengths);
  return referencePlan(recipe, lengths.length, steps / stepsPerEpoch);
}

/**
 * How a recipe trains on rows of preference data, with the log-probabilities of the reference where they are computed
 * once; null for other recipes.
 */
export async function preferenceStep(
  decoder: Decoder,
  recipe: Recipe,
  dataset: TokenRows,
  lengths: Uint32Array,
  onReferences: (rows: number) => void = () => undefined,
): Promise<PreferenceObjective | null> {
  const objective = objectiveOf(recipe);
  assert((objective !== null) === (dataset.preference !== undefined), 'rows as the objective reads them');
  if (!objective) return null;
  if (referencesOf(recipe, lengths)?.when !== 'once') return new PreferenceObjective(objective);
  onReferences(lengths.length);
  const { maxPositions } = decoder.spec;
  const largest = largestTraining(recipe, maxPositions, dataShapes({ train: dataset, evaluation: null }));
  const references = await KeptReferences.compute(decoder, dataset, largest, recipe.grad_accum);
  return new PreferenceObjective(objective, references);
}
