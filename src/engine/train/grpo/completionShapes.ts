import type { Recipe } from '../../../base/config/recipe.ts';
import type { RowShapes } from '../../../content/data/tokens/rowShapes.ts';

/** The most tokens that a prompt's completion may have. @param limit of prompt and completion together, above the prompt */
export function completionRoom(
  { max_completion_length }: Pick<Recipe, 'max_completion_length'>,
  prompt: number,
  limit: number,
): number {
  return Math.min(max_completion_length, limit - prompt);
}

/** The shapes of prompts with all their completions, each as long as it may be. */
export function shapesWithCompletions(
  { tokens, weighted }: RowShapes,
  recipe: Pick<Recipe, 'max_completion_length' | 'num_generations'>,
  limit: number,
): RowShapes {
  const targets = tokens.map((prompt) => recipe.num_generations * completionRoom(recipe, prompt, limit));
  return {
    tokens: tokens.map((prompt, row) => recipe.num_generations * prompt + targets[row]!),
    targets,
    weighted,
  };
}

/** A prompt and the most tokens of its completion. */
export interface GenerationShape {
  prompt: number;
  room: number;
}

/** The prompt that takes the most memory to answer: the longest, since room is left to it as to others. */
export function longestGeneration(
  prompts: readonly ArrayLike<number>[],
  recipe: Pick<Recipe, 'max_completion_length'>,
  limit: number,
): GenerationShape {
  const prompt = prompts.reduce<number>(
    (most, lengths) => Array.from(lengths).reduce((own, length) => Math.max(own, length), most),
    1,
  );
  return { prompt, room: completionRoom(recipe, prompt, limit) };
}
