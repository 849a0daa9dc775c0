import type { Recipe } from './recipe.ts';

/** The recipe settings that determine how rows become tokens, and which of those are trained. */
export interface Reading {
  /** Which tokens are trained. */
  mask: Recipe['mask'];
  /** Train thoughts and tool calls of answers, as long as the mask trains the answer. */
  trainThoughts: boolean;
  trainToolCalls: boolean;
  /** Special tokens written out in messages: as such, or as plain text. */
  literalTokens: Recipe['special_tokens_in_text'];
  /** Further template variables, for every row. */
  templateArgs: Recipe['template_args'];
  /** One row for each answer of a conversation. */
  splitTurns: boolean;
  /** Preference data with the objective "sft": rejected, or trained on its better answers. */
  preferenceData: Recipe['preference_data'];
  /** Which answers are read, and which of their tokens are trained. */
  objective: Recipe['objective'];
}

export const defaultReading: Reading = {
  mask: 'assistant',
  trainThoughts: true,
  trainToolCalls: true,
  literalTokens: 'special',
  templateArgs: {},
  splitTurns: false,
  preferenceData: 'refuse',
  objective: 'sft',
};

/** The recipe keys that determine how rows are read. */
export const readingKeys = [
  'mask',
  'train_thoughts',
  'train_tool_calls',
  'special_tokens_in_text',
  'template_args',
  'split_turns',
  'preference_data',
  'objective',
] as const satisfies readonly (keyof Recipe)[];
export type ReadingRecipe = Pick<Recipe, (typeof readingKeys)[number]>;

/** The reading settings of a recipe. */
export function readingOf(recipe: ReadingRecipe): Reading {
  return {
    mask: recipe.mask,
    trainThoughts: recipe.train_thoughts,
    trainToolCalls: recipe.train_tool_calls,
    literalTokens: recipe.special_tokens_in_text,
    templateArgs: recipe.template_args,
    splitTurns: recipe.split_turns,
    preferenceData: recipe.preference_data,
    objective: recipe.objective,
  };
}
