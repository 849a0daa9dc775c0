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

/** How a run completes prompts: as many together as pass together in training. Of this its memory depends. */
export interface GenerationShape {
  /** Tokens of the longest prompt, and the most of its completion. */
  prompt: number;
  room: number;
  sequences: number;
  /** Prompts among them that differ. */
  prompts: number;
}

type GenerationRecipe = Pick<
  Recipe,
  'max_completion_length' | 'batch_size' | 'grad_accum' | 'num_generations'
>;

/** The shape for a longest prompt. */
export function generationShape(prompt: number, recipe: GenerationRecipe, limit: number): GenerationShape {
  const { batch_size, grad_accum, num_generations: size } = recipe;
  const sequences = Math.min(MAX_TOGETHER, batch_size * grad_accum * size);
  const room = completionRoom(recipe, prompt, limit);
  return { prompt, room, sequences, prompts: Math.ceil(sequences / size) };
}

/** The shape for a run's prompts: others leave no less room. */
export function longestGeneration(
  prompts: readonly ArrayLike<number>[],
  recipe: GenerationRecipe,
  limit: number,
): GenerationShape {
  const prompt = prompts.reduce<number>(
    (most, lengths) => Array.from(lengths).reduce((own, length) => Math.max(own, length), most),
    1,
  );
  return generationShape(prompt, recipe, limit);
}

/** Completions that are made together, at most. */
const MAX_TOGETHER = 64;
