import { mayHoldOut } from './evaluationSplit.ts';
import { changedFields } from './presets.ts';
import { recipeFields, type Recipe, type RecipeKey } from './recipe.ts';

/** What of model, data and device decides what suits; null where it is not known yet. */
export interface RecipeFacts {
  parameters: number | null;
  hiddenSize: number | null;
  maxPositions: number | null;
  /** The model's attention projections by name. */
  attention: readonly string[] | null;
  /** Whether the model's files are in 4 bits: then they are trained as they are. */
  quantized: boolean;
  /** Rows to train on, those held out, and the tokens of the longest. */
  rows: number | null;
  heldOut: number | null;
  longest: number | null;
  /** Bytes of GPU memory that the user gave. */
  gpuMemory: number | null;
}

export const noFacts: RecipeFacts = {
  parameters: null,
  hiddenSize: null,
  maxPositions: null,
  attention: null,
  quantized: false,
  rows: null,
  heldOut: null,
  longest: null,
  gpuMemory: null,
};

/** The questions and their answers, from little to much. */
export const questionAnswers = {
  length: ['try', 'normal', 'thorough'],
  goal: ['style', 'task', 'knowledge'],
  memory: ['little', 'less', 'plenty'],
} as const;
export type Question = keyof typeof questionAnswers;
export type Answer<Q extends Question = Question> = (typeof questionAnswers)[Q][number];
export type Answers = { [Q in Question]: Answer<Q> | null };

export const questions = Object.keys(questionAnswers) as Question[];

/** What a recipe is before anyone answers: without a model and data these are the defaults. */
export const firstAnswers: Answers = { length: 'normal', goal: 'task', memory: 'plenty' };

export type ModelSize = 'tiny' | 'small' | 'medium' | 'large';

/** The size of a model, as far as learning rates differ; medium where it is not known. */
export function modelSize(parameters: number | null): ModelSize {
  if (parameters === null) return 'medium';
  if (parameters < 30e6) return 'tiny';
  if (parameters < 300e6) return 'small';
  return parameters < 3e9 ? 'medium' : 'large';
}

/** Learning rates for four rows a step, by size (docs/decisions.md). */
const adapterLr: Record<ModelSize, number> = { tiny: 3e-3, small: 1e-3, medium: 2e-4, large: 1e-4 };
const fullLr: Record<ModelSize, number> = { tiny: 1e-3, small: 1e-4, medium: 2e-5, large: 1e-5 };

/** The learning rate that suits a model of this size, and what is trained of it: preferences take smaller steps. */
export function usualLr(
  { method, objective }: Pick<Recipe, 'method' | 'objective'>,
  parameters: number | null,
): number {
  const lr = (method === 'full' ? fullLr : adapterLr)[modelSize(parameters)];
  // Without what division adds: 3e-4, not 3.0000000000000003e-4.
  return objective === 'sft' ? lr : Number((lr / 10).toPrecision(2));
}

/** The largest power of two up to `value`, from 1 on. */
export function powerOfTwo(value: number): number {
  return 2 ** Math.max(0, Math.floor(Math.log2(value)));
}

/** The settings that an answer stands for. */
export function answerFields(
  question: Question,
  answer: Answer,
  recipe: Recipe,
  facts: RecipeFacts,
): Partial<Recipe> {
  switch (question) {
    case 'length':
      return lengthFields(answer as Answer<'length'>, recipe, facts);
    case 'goal':
      return goalFields(answer as Answer<'goal'>, recipe, facts);
    case 'memory':
      return memoryFields(answer as Answer<'memory'>, facts);
  }
}

/** The answer that a recipe is; null where it is none of them. */
export function answerOf(question: Question, recipe: Recipe, facts: RecipeFacts): Answer | null {
  const fits = (answer: Answer) =>
    changedFields({ ...recipe, ...answerFields(question, answer, recipe, facts) }, recipe).length === 0;
  return questionAnswers[question].find(fits) ?? null;
}

/** The settings that a question is about, in the recipe's order. */
export function questionFields(question: Question, recipe: Recipe, facts: RecipeFacts): RecipeKey[] {
  const keys = new Set(
    questionAnswers[question].flatMap((answer) => Object.keys(answerFields(question, answer, recipe, facts))),
  );
  return (Object.keys(recipeFields) as RecipeKey[]).filter((key) => keys.has(key));
}

/**
 * A recipe with these answers given: each is worked out from what those before it made of it, as the steps of an epoch
 * depend on the batch, and the learning rate on the method.
 */
export function withAnswers(recipe: Recipe, answers: Partial<Answers>, facts: RecipeFacts): Recipe {
  let made = recipe;
  for (const question of ['memory', 'goal', 'length'] as const) {
    const answer = answers[question];
    if (answer) made = { ...made, ...answerFields(question, answer, made, facts) };
  }
  return made;
}

/** The answers that still hold for a recipe. */
export function heldAnswers(answers: Answers, recipe: Recipe, facts: RecipeFacts): Answers {
  const held = (question: Question) =>
    answers[question] !== null &&
    changedFields({ ...recipe, ...answerFields(question, answers[question], recipe, facts) }, recipe)
      .length === 0;
  return Object.fromEntries(
    questions.map((question) => [question, held(question) ? answers[question] : null]),
  ) as unknown as Answers;
}

/** Steps of a quick try, and from how many steps an epoch on one is enough. */
const [TRY_STEPS, LONG_EPOCH] = [60, 1000];

function lengthFields(answer: Answer<'length'>, recipe: Recipe, facts: RecipeFacts): Partial<Recipe> {
  const { rows } = facts;
  const epoch = rows === null ? null : Math.max(1, Math.ceil(rows / (recipe.batch_size * recipe.grad_accum)));
  if (answer === 'try') {
    // Two passes show more of a few rows than many.
    const steps = epoch === null ? TRY_STEPS : Math.min(TRY_STEPS, Math.max(10, 2 * epoch));
    return {
      max_steps: steps,
      warmup_steps: 2,
      eval_steps: Math.max(1, Math.round(steps / 3)),
      load_best: false,
    };
  }
  const isLong = (epoch ?? 0) > LONG_EPOCH;
  const epochs = answer === 'normal' ? (isLong ? 1 : 3) : isLong ? 3 : 6;
  const steps = (epoch ?? 0) * epochs;
  return {
    max_steps: 0,
    epochs,
    warmup_steps: Math.min(100, Math.max(2, Math.round(0.03 * steps))),
    eval_steps: Math.min(500, Math.max(20, Math.round(steps / 10))),
    load_best: answer === 'thorough' && mayHoldOut(recipe) && (facts.heldOut ?? 0) > 0,
  };
}

function goalFields(
  answer: Answer<'goal'>,
  recipe: Recipe,
  { parameters, hiddenSize, attention }: RecipeFacts,
): Partial<Recipe> {
  const lr = usualLr(recipe, parameters);
  if (recipe.method === 'full') return { lr: answer === 'style' ? lr / 2 : answer === 'task' ? lr : lr * 2 };
  const wanted = { style: 8, task: 16, knowledge: 64 }[answer];
  // As wide as the model itself, an adapter is no smaller than what it adapts.
  const rank = Math.min(wanted, powerOfTwo((hiddenSize ?? Infinity) / 2) || wanted);
  const onlyAttention = answer === 'style' && attention !== null && attention.length > 0;
  return {
    rank,
    alpha: 2 * rank,
    targets: onlyAttention ? [...attention] : 'all-linear',
    lr: answer === 'knowledge' ? lr / 2 : lr,
    dropout: answer === 'knowledge' ? 0.05 : 0,
  };
}

/** The part of the user's GPU memory that a run may take where there is little. */
const BUDGET_SHARE = 0.8;

function memoryFields(answer: Answer<'memory'>, { quantized, gpuMemory }: RecipeFacts): Partial<Recipe> {
  const isLittle = answer === 'little';
  // Four rows a step in any case, so that the learning rate keeps its meaning.
  const batch_size = { little: 1, less: 2, plenty: 4 }[answer];
  return {
    ...(!quantized && { method: answer === 'plenty' ? ('lora' as const) : ('qlora' as const) }),
    ...(!quantized && { double_quant: isLittle }),
    batch_size,
    grad_accum: 4 / batch_size,
    max_length: isLittle ? 512 : 1024,
    optimizer: isLittle ? 'adamw_8bit' : 'adamw',
    memory_budget: isLittle && gpuMemory !== null ? Math.floor(BUDGET_SHARE * gpuMemory) : 0,
  };
}
