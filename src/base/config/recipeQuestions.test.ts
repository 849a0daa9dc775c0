import { describe, expect, it } from 'vitest';
import { changedFields } from './presets.ts';
import { checkField, defaultRecipe, type RecipeKey } from './recipe.ts';
import { recipeNotes } from './recipeNotes.ts';
import {
  answerFields,
  answerOf,
  firstAnswers,
  heldAnswers,
  noFacts,
  questionAnswers,
  questions,
  withAnswers,
  type Answer,
  type Question,
  type RecipeFacts,
} from './recipeQuestions.ts';

const attention = ['q_proj', 'k_proj', 'v_proj', 'o_proj'];
const data = { rows: 216, heldOut: 24, longest: 90 };
/** A random one of 60 thousand parameters, the starter, SmolLM2-135M, Qwen2.5-0.5B and -1.5B, Mistral-7B. */
const models: Record<string, Partial<RecipeFacts>> = {
  random: { parameters: 60_000, hiddenSize: 64, maxPositions: 512, attention },
  starter: { parameters: 3_600_000, hiddenSize: 160, maxPositions: 512, attention },
  '135M': { parameters: 134_515_008, hiddenSize: 576, maxPositions: 8192, attention },
  '0.5B': { parameters: 494_032_768, hiddenSize: 896, maxPositions: 32_768, attention },
  '1.5B': { parameters: 1_543_714_304, hiddenSize: 1536, maxPositions: 32_768, attention },
  '7B': { parameters: 7_248_023_552, hiddenSize: 4096, maxPositions: 32_768, attention, quantized: true },
};
const cases = Object.entries(models).flatMap(([name, model]) =>
  [1, 12, 49, 50, 216, 50_000].map((rows): [string, number, RecipeFacts] => [
    name,
    rows,
    { ...noFacts, ...model, ...data, rows, heldOut: rows < 50 ? 0 : 24 },
  ]),
);

describe('the questions', () => {
  it('are at their first answers with the defaults, before there is a model or data', () => {
    const defaults = defaultRecipe();
    for (const question of questions)
      expect(answerOf(question, defaults, noFacts)).toBe(firstAnswers[question]);
    expect(changedFields(withAnswers(defaults, firstAnswers, noFacts))).toEqual([]);
  });

  it.each(cases)('have valid answers, each known again, for %s on %i rows', (_, _rows, facts) => {
    for (const length of questionAnswers.length)
      for (const goal of questionAnswers.goal)
        for (const memory of questionAnswers.memory) {
          const recipe = withAnswers(defaultRecipe(), { length, goal, memory }, facts);
          for (const [key, value] of Object.entries(recipe))
            expect(checkField(key as RecipeKey, value), key).toBeNull();
          const found = questions.map((question) => answerOf(question, recipe, facts));
          expect(found).toEqual([length, goal, memory]);
        }
  });

  it.each(cases)('lead to no note by themselves, for %s on %i rows', (_, rows, facts) => {
    const codes = (length: 'normal' | 'thorough') =>
      recipeNotes(withAnswers(defaultRecipe(), { ...firstAnswers, length }, facts), facts).map(
        ({ code }) => code,
      );
    // Of a handful of rows every step takes all.
    const few = rows < 4 ? ['stepOverRows'] : [];
    expect(codes('normal')).toEqual(few);
    expect(codes('thorough')).toEqual(few);
  });

  it('move several settings each', () => {
    const facts = { ...noFacts, ...models['1.5B'], ...data };
    const before = withAnswers(defaultRecipe(), firstAnswers, facts);
    const moved = (question: Question, answer: Answer) =>
      changedFields({ ...before, ...answerFields(question, answer, before, facts) }, before);
    expect(moved('length', 'thorough')).toEqual(['epochs', 'warmup_steps', 'eval_steps', 'load_best']);
    expect(moved('length', 'try')).toEqual(['max_steps', 'warmup_steps']);
    expect(moved('goal', 'style')).toEqual(['rank', 'alpha', 'targets']);
    expect(moved('goal', 'knowledge')).toEqual(['rank', 'alpha', 'lr', 'dropout']);
    expect(moved('memory', 'less')).toEqual(['method', 'batch_size', 'grad_accum']);
    expect(moved('memory', 'little')).toEqual([
      'method',
      'batch_size',
      'grad_accum',
      'max_length',
      'double_quant',
      'optimizer',
    ]);
  });

  it.each([
    ['starter', 'lora', 3e-3],
    ['135M', 'lora', 1e-3],
    ['0.5B', 'lora', 2e-4],
    ['1.5B', 'qlora', 2e-4],
    ['7B', 'lora', 1e-4],
    ['starter', 'full', 1e-3],
    ['1.5B', 'full', 2e-5],
  ] as const)('give %s with method %s the learning rate %d', (model, method, lr) => {
    const facts = { ...noFacts, ...models[model] };
    expect(answerFields('goal', 'task', { ...defaultRecipe(), method }, facts).lr).toBe(lr);
  });

  it('never give a rank as wide as the model', () => {
    const facts = { ...noFacts, ...models.random };
    expect(answerFields('goal', 'knowledge', defaultRecipe(), facts).rank).toBe(32);
  });

  it('leave a model in 4 bits as it is, and keep a user’s memory', () => {
    const facts = { ...noFacts, ...models['7B'], gpuMemory: 8e9 };
    const little = answerFields('memory', 'little', defaultRecipe(), facts);
    expect(little).not.toHaveProperty('method');
    expect(little.memory_budget).toBe(6.4e9);
  });

  it('are none of the answers where one setting is the user’s own', () => {
    const facts = { ...noFacts, ...models['1.5B'], ...data };
    const recipe = withAnswers(defaultRecipe(), firstAnswers, facts);
    expect(answerOf('goal', { ...recipe, rank: 17 }, facts)).toBeNull();
    expect(answerOf('length', { ...recipe, rank: 17 }, facts)).toBe('normal');
    expect(heldAnswers(firstAnswers, { ...recipe, rank: 17 }, facts)).toEqual({
      ...firstAnswers,
      goal: null,
    });
  });

  it('follow the model and the data, but not what the user set', () => {
    const small = { ...noFacts, ...models.starter, ...data };
    const large = { ...noFacts, ...models['1.5B'], ...data, rows: 8000 };
    const recipe = withAnswers(defaultRecipe(), firstAnswers, small);
    expect(recipe).toMatchObject({ lr: 3e-3, epochs: 3, warmup_steps: 5 });
    const followed = withAnswers(recipe, firstAnswers, large);
    expect(followed).toMatchObject({ lr: 2e-4, epochs: 1, warmup_steps: 60 });
    expect(withAnswers({ ...recipe, lr: 5e-3 }, { ...firstAnswers, goal: null }, large).lr).toBe(5e-3);
  });
});
