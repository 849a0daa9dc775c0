import { basename, dirname } from 'node:path';
import { importFlags, type IgnoredReason } from '../../../base/config/finetuneFlags.ts';
import { defaultRecipe, parseRecipe, type Recipe } from '../../../base/config/recipe.ts';
import { readJson, readText } from '../../../content/formats/text.ts';
import { GraftError } from '../../../base/lib/errors.ts';
import { nodeFolder } from '../../../base/storage/nodeFolder.ts';
import { log } from './terminal.ts';

/** A recipe as a file gives it. */
export interface GivenRecipe {
  recipe: Recipe;
  /** A warm-up as a share of the steps: how many those are, only the rows tell. */
  warmupRatio: number | null;
}

/**
 * The recipe of a JSON file, or of a shell script that calls QwenLM/Qwen's finetune.py (`.sh`), whose flags that mean
 * nothing here are told on stderr; every setting at its default where there is no path.
 * Throws `train.recipe_*`, `train.no_flags`, and `train.flag_invalid` rather than go on with another value.
 */
export async function readRecipe(path: string | undefined): Promise<GivenRecipe> {
  if (path === undefined) return { recipe: defaultRecipe(), warmupRatio: null };
  const folder = nodeFolder(dirname(path));
  const file = basename(path);
  if (!path.endsWith('.sh')) {
    return { recipe: parseRecipe(await readJson(folder, file)), warmupRatio: null };
  }
  const { recipe, ignored, warmupRatio } = importFlags(await readText(folder, file), null);
  for (const { flag, value, reason, expected } of ignored) {
    if (expected !== undefined) throw new GraftError('train.flag_invalid', { file, flag, value, expected });
    const why = telling[reason];
    if (why) log(`Ignored in ${file}: ${[flag, value].filter(Boolean).join(' ')} (${why}).`);
  }
  return { recipe, warmupRatio };
}

/** The recipe with the objective of the command line. Throws `train.recipe_invalid`, `train.objective_not_yet`. */
export function withObjective(recipe: Recipe, objective: string | undefined): Recipe {
  return objective === undefined ? recipe : parseRecipe({ ...recipe, objective });
}

/** The recipe with its warm-up in steps, of so many as the run has. */
export function withWarmup({ recipe, warmupRatio }: GivenRecipe, steps: number): Recipe {
  // As transformers rounds.
  return warmupRatio === null ? recipe : { ...recipe, warmup_steps: Math.ceil(steps * warmupRatio) };
}

/** Flags left out for these reasons may be missed; the others are settled otherwise. */
const telling: Partial<Record<IgnoredReason, string>> = {
  unsupported: 'not supported by Graft',
  unknown: 'unknown flag',
};
