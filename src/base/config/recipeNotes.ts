import type { Recipe, RecipeKey } from './recipe.ts';
import { plannedSteps } from './plannedSteps.ts';
import { powerOfTwo, usualLr, type RecipeFacts } from './recipeQuestions.ts';

/** What is odd about a setting: allowed, but seldom meant. */
export type NoteCode =
  | 'lrZero'
  | 'lrHigh'
  | 'lrLow'
  | 'rankWide'
  | 'alphaHigh'
  | 'alphaLow'
  | 'manyEpochs'
  | 'fewSteps'
  | 'stepOverRows'
  | 'warmupLong'
  | 'startRankHigh'
  | 'lengthOverContext'
  | 'lengthOverRows'
  | 'dropoutHigh'
  | 'decayHigh'
  | 'clipLow'
  | 'guardLow'
  | 'evalNever';

/** A note on a recipe. */
export interface RecipeNote {
  code: NoteCode;
  /** The setting it is about. */
  field: RecipeKey;
  params: Record<string, number>;
  /** What would put it right; null where that is for the user to say. */
  fix: Partial<Recipe> | null;
}

/** So many times the usual learning rate, or so small a part of it, is odd. */
const [LR_ABOVE, LR_BELOW] = [15, 1 / 30];
/** alpha ÷ rank (÷ √rank with rsLoRA): beyond these an adapter is louder than its model, or hardly heard. */
const [SCALE_ABOVE, SCALE_BELOW] = [8, 0.1];
/** Passes over few rows after which they are learned by heart. */
const [FEW_ROWS, MANY_EPOCHS] = [100, 10];

/** What is odd about a recipe for this model and data, in the order of the settings. No note is an error. */
export function recipeNotes(recipe: Recipe, facts: RecipeFacts): RecipeNote[] {
  const notes: RecipeNote[] = [];
  const note = (
    code: NoteCode,
    field: RecipeKey,
    fix: Partial<Recipe> | null,
    params: Record<string, number> = {},
  ) => notes.push({ code, field, fix, params });
  const isAdapter = recipe.method !== 'full';
  const { rows, longest, maxPositions, hiddenSize } = facts;

  if (isAdapter && hiddenSize !== null && recipe.rank >= hiddenSize) {
    const rank = Math.min(64, powerOfTwo(hiddenSize / 2));
    note('rankWide', 'rank', { rank, alpha: 2 * rank }, { rank: recipe.rank, width: hiddenSize });
  }
  if (recipe.start_rank > 0 && recipe.start_rank >= recipe.rank)
    note('startRankHigh', 'start_rank', { start_rank: 0 }, { start: recipe.start_rank, rank: recipe.rank });
  const scale = recipe.alpha / (recipe.rslora ? Math.sqrt(recipe.rank) : recipe.rank);
  const alpha = { alpha: recipe.rslora ? 2 * Math.round(Math.sqrt(recipe.rank)) : 2 * recipe.rank };
  if (isAdapter && scale > SCALE_ABOVE) note('alphaHigh', 'alpha', alpha, { scale });
  if (isAdapter && scale < SCALE_BELOW) note('alphaLow', 'alpha', alpha, { scale });

  const lr = usualLr(recipe, facts.parameters);
  if (recipe.lr === 0) note('lrZero', 'lr', { lr }, {});
  else if (recipe.lr > LR_ABOVE * lr) note('lrHigh', 'lr', { lr }, { lr: recipe.lr, usual: lr });
  else if (recipe.lr < LR_BELOW * lr) note('lrLow', 'lr', { lr }, { lr: recipe.lr, usual: lr });

  if (rows !== null && rows > 0) noteLength(recipe, rows, facts, note);
  // Rows that reach the limit may be longer: they were cut.
  if (longest !== null && longest > 0 && recipe.max_length > Math.max(1024, 8 * longest)) {
    const enough = Math.max(128, 2 * powerOfTwo(longest));
    note('lengthOverRows', 'max_length', { max_length: enough }, { longest, length: recipe.max_length });
  } else if (maxPositions !== null && recipe.max_length > maxPositions && recipe.max_length > 1024) {
    note('lengthOverContext', 'max_length', { max_length: maxPositions }, { positions: maxPositions });
  }

  if (isAdapter && recipe.dropout > 0.5)
    note('dropoutHigh', 'dropout', { dropout: 0.05 }, { percent: Math.round(100 * recipe.dropout) });
  if (recipe.weight_decay > 1)
    note('decayHigh', 'weight_decay', { weight_decay: 0.01 }, { decay: recipe.weight_decay });
  if (recipe.max_grad_norm > 0 && recipe.max_grad_norm < 0.01)
    note('clipLow', 'max_grad_norm', { max_grad_norm: 1 }, { norm: recipe.max_grad_norm });
  if (recipe.spike_guard > 0 && recipe.spike_guard < 3)
    note('guardLow', 'spike_guard', { spike_guard: 6 }, { deviations: recipe.spike_guard });
  return notes;
}

/** What the number of steps shows. */
function noteLength(
  recipe: Recipe,
  rows: number,
  { heldOut }: RecipeFacts,
  note: (
    code: NoteCode,
    field: RecipeKey,
    fix: Partial<Recipe> | null,
    params?: Record<string, number>,
  ) => void,
): void {
  const steps = plannedSteps(recipe, rows);
  const perStep = recipe.batch_size * recipe.grad_accum;
  // A step takes no row twice.
  const epochs = recipe.max_steps > 0 ? (steps * Math.min(perStep, rows)) / rows : recipe.epochs;
  if (rows <= FEW_ROWS && epochs > MANY_EPOCHS)
    note(
      'manyEpochs',
      recipe.max_steps > 0 ? 'max_steps' : 'epochs',
      { max_steps: 0, epochs: 3 },
      { epochs: Math.round(epochs), rows },
    );
  if (perStep > rows && perStep > 1) {
    const batch_size = Math.min(recipe.batch_size, Math.max(1, powerOfTwo(rows / 4)));
    note('stepOverRows', 'batch_size', { batch_size, grad_accum: 1 }, { perStep, rows });
  } else if (steps < 10 && epochs < 3) {
    note(
      'fewSteps',
      recipe.max_steps > 0 ? 'max_steps' : 'epochs',
      { max_steps: 0, epochs: 3 },
      { n: steps },
    );
  }
  if (recipe.warmup_steps >= steps && recipe.warmup_steps > 2) {
    const warmup_steps = Math.max(1, Math.round(0.1 * steps));
    note('warmupLong', 'warmup_steps', { warmup_steps }, { warmup: recipe.warmup_steps, steps });
  }
  if ((heldOut ?? 0) > 0 && recipe.eval_steps > steps && steps >= 20) {
    const eval_steps = Math.max(1, Math.round(steps / 4));
    note('evalNever', 'eval_steps', { eval_steps }, { every: recipe.eval_steps, steps });
  }
}
