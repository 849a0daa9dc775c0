import { basename, dirname } from 'node:path';
import { importFlags } from '../config/finetuneFlags.ts';
import { defaultRecipe, parseRecipe, type Recipe } from '../config/recipe.ts';
import { readJson, readText } from '../formats/text.ts';
import { nodeFolder } from '../storage/nodeFolder.ts';

/**
 * The recipe of a JSON file, or of a shell script that calls QwenLM/Qwen's finetune.py (`.sh`), whose flags that mean
 * nothing here are told on stderr; every setting at its default where there is no path.
 * Throws `train.recipe_*`, `train.no_flags`.
 */
export async function readRecipe(path: string | undefined): Promise<Recipe> {
  if (path === undefined) return defaultRecipe();
  const folder = nodeFolder(dirname(path));
  if (!path.endsWith('.sh')) return parseRecipe(await readJson(folder, basename(path)));
  const { recipe, ignored } = importFlags(await readText(folder, basename(path)), null);
  for (const { flag, value, reason } of ignored) {
    if (telling.has(reason)) console.error(`Not taken from ${basename(path)}: ${flag} ${value} (${reason}).`);
  }
  return recipe;
}

/** Flags left out for these reasons may be missed; the others are settled otherwise. */
const telling: ReadonlySet<string> = new Set(['needsRows', 'unsupported', 'invalid', 'unknown']);
