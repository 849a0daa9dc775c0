import { describe, expect, it } from 'vitest';
import { checkField, defaultRecipe, type Recipe, type RecipeKey } from './recipe.ts';
import { recipeNotes, type NoteCode } from './recipeNotes.ts';
import { noFacts, type RecipeFacts } from './recipeQuestions.ts';

const model = { parameters: 1.5e9, hiddenSize: 1536, maxPositions: 32_768 };
const facts: RecipeFacts = { ...noFacts, ...model, rows: 216, heldOut: 24, longest: 90 };
const few: Partial<RecipeFacts> = { rows: 20, heldOut: 0 };

const noted = (recipe: Partial<Recipe>, known: Partial<RecipeFacts> = {}) =>
  recipeNotes({ ...defaultRecipe(), ...recipe }, { ...facts, ...known });

describe('notes on a recipe', () => {
  it('are none on the defaults', () => {
    expect(noted({})).toEqual([]);
    expect(noted({}, few)).toEqual([]);
    expect(recipeNotes(defaultRecipe(), noFacts)).toEqual([]);
  });

  it.each([
    ['lrHigh', { lr: 5 }, {}],
    ['lrHigh', { lr: 4e-3 }, {}],
    ['lrHigh', { lr: 2e-3 }, { parameters: 7e9 }],
    ['lrHigh', { lr: 1e-3, method: 'full' }, {}],
    ['lrLow', { lr: 1e-6 }, {}],
    ['lrLow', { lr: 2e-5 }, { parameters: 60_000 }],
    ['lrZero', { lr: 0 }, {}],
    ['rankWide', { rank: 64 }, { hiddenSize: 64 }],
    ['rankWide', { rank: 512, alpha: 512 }, { hiddenSize: 64 }],
    ['alphaHigh', { rank: 1, alpha: 64 }, {}],
    ['alphaHigh', { rank: 16, alpha: 4096, rslora: true }, {}],
    ['alphaLow', { rank: 512, alpha: 1 }, {}],
    ['manyEpochs', { epochs: 50 }, few],
    ['manyEpochs', { max_steps: 200 }, few],
    ['fewSteps', { max_steps: 3 }, {}],
    ['fewSteps', { epochs: 0.1 }, {}],
    ['stepOverRows', { batch_size: 64 }, few],
    ['stepOverRows', { grad_accum: 4096 }, {}],
    ['warmupLong', { warmup_steps: 500 }, {}],
    ['warmupLong', { warmup_steps: 60, max_steps: 60 }, {}],
    ['startRankHigh', { start_rank: 16 }, {}],
    ['lengthOverContext', { max_length: 4096 }, { maxPositions: 2048, longest: 2048 }],
    ['lengthOverRows', { max_length: 8192 }, {}],
    ['dropoutHigh', { dropout: 0.9 }, {}],
    ['decayHigh', { weight_decay: 10 }, {}],
    ['clipLow', { max_grad_norm: 1e-6 }, {}],
    ['guardLow', { spike_guard: 1 }, {}],
    ['evalNever', { eval_steps: 1000 }, {}],
  ] as [NoteCode, Partial<Recipe>, Partial<RecipeFacts>][])(
    'say %s of %j, and have the fix',
    (code, recipe, known) => {
      const notes = noted(recipe, known);
      expect(notes.map((note) => note.code)).toEqual([code]);
      const { field, fix } = notes[0]!;
      expect(Object.keys(fix ?? {}).concat('epochs', 'max_steps')).toContain(field);
      for (const [key, value] of Object.entries(fix ?? {}))
        expect(checkField(key as RecipeKey, value), key).toBeNull();
      // What it says to do puts it right, and is odd in no other way.
      expect(noted({ ...recipe, ...fix }, known)).toEqual([]);
    },
  );

  it.each([
    ['a rate that a small model takes', { lr: 1e-2 }, { parameters: 60_000 }],
    ['adapter settings of a full run', { method: 'full', lr: 2e-5, rank: 512, alpha: 1, dropout: 0.9 }, {}],
    ['many epochs on many rows', { epochs: 50 }, {}],
    ['the context as max length', { max_length: 32_768 }, { longest: 20_000 }],
    ['no clipping and no guard', { max_grad_norm: 0, spike_guard: 0 }, {}],
    ['rare evaluations of nothing', { eval_steps: 1000 }, { heldOut: 0 }],
    ['a warmup of the usual two steps in a short run', { max_steps: 12, warmup_steps: 2 }, {}],
    ['one row at a time of one row', { batch_size: 1, epochs: 10 }, { rows: 1, heldOut: 0 }],
  ] as [string, Partial<Recipe>, Partial<RecipeFacts>][])('are none on %s', (_, recipe, known) => {
    expect(noted(recipe, known)).toEqual([]);
  });
});
