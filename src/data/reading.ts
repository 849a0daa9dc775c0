import type { Recipe } from '../config/recipe.ts';
import type { LabelOptions } from './labels.ts';

/** How a recipe reads rows: all of it that decides which tokens they become and which of those are trained. */
export interface Reading extends Required<Omit<LabelOptions, 'now' | 'withParts'>> {
  /** One row for each answer of a conversation. */
  splitTurns: boolean;
  /** Preference data: refused, or trained on its better answers. */
  preferenceData: 'refuse' | 'chosen';
}

export const defaultReading: Reading = {
  mask: 'assistant',
  trainThoughts: true,
  trainToolCalls: true,
  literalTokens: 'special',
  templateArgs: {},
  splitTurns: false,
  preferenceData: 'refuse',
};

/** The recipe keys that decide how rows are read. */
export const readingKeys = [
  'mask',
  'train_thoughts',
  'train_tool_calls',
  'special_tokens_in_text',
  'template_args',
  'split_turns',
  'preference_data',
] as const satisfies readonly (keyof Recipe)[];
export type ReadingRecipe = Pick<Recipe, (typeof readingKeys)[number]>;

/** How that recipe reads rows. */
export function readingOf(recipe: ReadingRecipe): Reading {
  return {
    mask: recipe.mask,
    trainThoughts: recipe.train_thoughts,
    trainToolCalls: recipe.train_tool_calls,
    literalTokens: recipe.special_tokens_in_text,
    templateArgs: recipe.template_args,
    splitTurns: recipe.split_turns,
    preferenceData: recipe.preference_data,
  };
}
