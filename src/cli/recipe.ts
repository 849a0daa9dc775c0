import { basename, dirname } from 'node:path';
import { defaultRecipe, parseRecipe, type Recipe } from '../config/recipe.ts';
import { readJson } from '../formats/text.ts';
import { nodeFolder } from '../storage/nodeFolder.ts';

/** The recipe of a JSON file; every setting at its default where there is no path. Throws `train.recipe_*`. */
export async function readRecipe(path: string | undefined): Promise<Recipe> {
  if (path === undefined) return defaultRecipe();
  return parseRecipe(await readJson(nodeFolder(dirname(path)), basename(path)));
}
