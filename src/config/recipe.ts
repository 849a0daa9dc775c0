import * as v from 'valibot';
import { parseByteSize } from '../lib/byteSize.ts';
import { GraftError } from '../lib/errors.ts';
import { choice, count, field, flag, jsonObject, real, wordOrList } from './recipeField.ts';

const targetsText = '"all-linear" or a list of module names such as ["q_proj", "v_proj"]';
const moduleName = v.pipe(v.string(targetsText), v.minLength(1, targetsText));
const savedText = 'a list of module names such as ["embed_tokens", "lm_head"]';
const layersText = '"all" or a list of block numbers such as [0, 1]';

/** Learning-rate schedules, by transformers' names. */
export const schedules = [
  'cosine',
  'linear',
  'constant',
  'constant_with_warmup',
  'cosine_with_restarts',
  'polynomial',
  'inverse_sqrt',
] as const;
export type ScheduleName = (typeof schedules)[number];

export type { RecipeGroup } from './recipeField.ts';

/** Every setting of a training run: its rule, default, and help, in the order they are shown. */
export const recipeFields = {
  method: field(
    choice(['lora', 'qlora', 'full']),
    'lora',
    'main',
    'Method',
    'LoRA trains two small matrices beside each chosen layer and leaves the model itself untouched. QLoRA does so on a model held in 4 bits: a quarter of the memory, slightly less exact. Full trains every number of the model itself: for small models, with a learning rate of 1e-5 to 1e-3 and 16 bytes of memory for each number besides the model’s own; the result is a whole model.',
  ),
  rank: field(
    count(1, 512),
    16,
    'main',
    'Rank',
    'How much the adapter can learn: 8 to 16 for style and facts; 64 for harder tasks, with more memory.',
  ),
  alpha: field(
    real(0.01, 4096),
    32,
    'main',
    'Alpha',
    'Strength of the adapter: its output is scaled by alpha ÷ rank. Twice the rank is a common choice.',
  ),
  lr: field(
    real(0, 10),
    2e-4,
    'main',
    'Learning rate',
    'Size of each step. 2e-4 suits most models; small models take 1e-3 and more. Lower it if the loss jumps.',
  ),
  epochs: field(
    real(0.01, 1000),
    3,
    'main',
    'Epochs',
    'How many times the data is read. Ignored when "Max steps" is set.',
  ),
  max_steps: field(
    count(0, 1e7),
    0,
    'main',
    'Max steps',
    'Stop after this many optimizer steps. 0 leaves it to the epochs.',
  ),
  batch_size: field(
    count(1, 1024),
    4,
    'main',
    'Batch size',
    'Rows trained on at once. Larger is steadier and needs more memory.',
  ),
  grad_accum: field(
    count(1, 4096),
    1,
    'main',
    'Gradient accumulation',
    'Micro-batches added up before each step: the effect of a larger batch without its memory.',
  ),
  max_length: field(
    count(2, 1 << 20),
    1024,
    'main',
    'Max length',
    'Rows longer than this many tokens are cut. You are told how many.',
  ),
  mask: field(
    choice(['assistant', 'all', 'last', 'chatml']),
    'assistant',
    'main',
    'Train on',
    'Which tokens are learned: the assistant’s answers, everything, the last answer only, or the answers and the ChatML marks of every turn, as Qwen v1 does.',
  ),
  train_thoughts: field(
    flag(),
    true,
    'advanced',
    'Train on thoughts',
    'Learn the reasoning before each answer that is trained. Off: thoughts are context.',
  ),
  train_tool_calls: field(
    flag(),
    true,
    'advanced',
    'Train on tool calls',
    'Learn the tool calls in each answer that is trained. Off: calls are context.',
  ),
  split_turns: field(
    flag(),
    false,
    'advanced',
    'One row per turn',
    'Make a row of each answer, with the conversation before it as context. For chat templates that drop earlier thoughts: this way every thought is trained once.',
  ),
  special_tokens_in_text: field(
    choice(['special', 'text']),
    'special',
    'advanced',
    'Special tokens in messages',
    'How special tokens written in messages, such as <|im_end|>, are encoded: as the special token itself, as most tools do, or as plain text that means nothing special to the model.',
  ),
  template_args: field(
    jsonObject,
    {},
    'advanced',
    'Template arguments',
    'Variables for the chat template, as a JSON object such as {"enable_thinking": false}. Rows may bring their own in chat_template_kwargs.',
  ),
  preference_data: field(
    choice(['refuse', 'chosen']),
    'refuse',
    'advanced',
    'Preference data',
    'Rows with a better and a worse answer, or with answers marked as good or bad: refuse them, or train on the better answers only.',
  ),
  targets: field(
    wordOrList('all-linear', moduleName, targetsText),
    'all-linear',
    'advanced',
    'Target modules',
    'The layers that get an adapter, by name (q_proj, v_proj, …), or all-linear for every one but the output head, which lm_head adds.',
  ),
  modules_to_save: field(
    v.array(moduleName, savedText),
    [],
    'advanced',
    'Modules trained in full',
    'Embedding and head can be trained whole beside the adapter, for base models that must learn new tokens: ["embed_tokens", "lm_head"]. Needs 16 bytes for each of their numbers.',
  ),
  quant: field(
    choice(['nf4']),
    'nf4',
    'advanced',
    'Quantization',
    'How QLoRA stores the model: nf4 is 4-bit NormalFloat in blocks of 64, as in bitsandbytes. A model that comes in 4 bits stays as it is.',
  ),
  double_quant: field(
    flag(),
    false,
    'advanced',
    'Double quantization',
    'With QLoRA: quantize the scales of the blocks too. 4.13 bits a weight instead of 4.5, slightly less exact.',
  ),
  layers: field(
    wordOrList('all', count(0, 100_000, layersText), layersText),
    'all',
    'advanced',
    'Layers',
    'The blocks that get an adapter, counted from 0, or all.',
  ),
  memory_budget: field(
    count(0, 2 ** 50, 'a number of bytes, or a size such as "300MB"'),
    0,
    'advanced',
    'Memory budget',
    'The most GPU memory to take, in bytes; 0 sets no limit. What exceeds it waits on disk: first blocks of the model, then its vocabulary and the inputs of blocks. The same numbers, more slowly; a larger gradient accumulation makes up for most of it.',
  ),
  dropout: field(
    real(0, 0.99),
    0,
    'advanced',
    'Dropout',
    'Share of the adapter’s inputs dropped at random in training. 0.05 helps against over-fitting small data.',
  ),
  rslora: field(
    flag(),
    false,
    'advanced',
    'Rank-stabilized scaling',
    'Scale by alpha ÷ √rank instead of alpha ÷ rank, so that high ranks keep learning.',
  ),
  schedule: field(
    choice(schedules),
    'cosine',
    'advanced',
    'Schedule',
    'How the learning rate moves over the run, by transformers’ names.',
  ),
  warmup_steps: field(
    count(0, 1e7),
    2,
    'advanced',
    'Warm-up steps',
    'Steps over which the learning rate rises from zero.',
  ),
  start_rank: field(
    count(0, 512),
    0,
    'advanced',
    'Start rank',
    'Begin with this rank and double it until it is the whole; what was learned stays. 0 begins with the whole rank.',
  ),
  grow_steps: field(
    count(1, 1e7),
    100,
    'advanced',
    'Double the rank every',
    'Optimizer steps between two doublings, where a start rank is set.',
  ),
  weight_decay: field(
    real(0, 10),
    0,
    'advanced',
    'Weight decay',
    'Pulls the adapter towards zero at each step.',
  ),
  beta1: field(real(0, 0.99999), 0.9, 'advanced', 'Adam β₁', 'Memory of the mean gradient.'),
  beta2: field(real(0, 0.9999999), 0.999, 'advanced', 'Adam β₂', 'Memory of the squared gradient.'),
  eps: field(real(0, 1), 1e-8, 'advanced', 'Adam ε', 'Keeps the step finite where gradients are tiny.'),
  max_grad_norm: field(
    real(0, 1e6),
    1,
    'advanced',
    'Max gradient norm',
    'Gradients longer than this are shortened to it. 0 turns clipping off.',
  ),
  optimizer: field(
    choice(['adamw', 'adamw_8bit']),
    'adamw',
    'advanced',
    'Optimizer',
    'adamw_8bit keeps AdamW’s two running means in 8 bits, a quarter of their memory; small matrices keep 32.',
  ),
  packing: field(
    flag(),
    false,
    'advanced',
    'Packing',
    'Put several short rows into one of the maximal length. Rows cannot see each other.',
  ),
  shuffle: field(
    flag(),
    true,
    'advanced',
    'Shuffle',
    'Read the rows in a new random order each epoch, those of similar length together.',
  ),
  eval_fraction: field(
    real(0, 0.5),
    0,
    'advanced',
    'Evaluation share',
    'Share of the rows kept aside to measure the loss on unseen data.',
  ),
  eval_steps: field(
    count(1, 1e7),
    20,
    'advanced',
    'Evaluate every',
    'Optimizer steps between two evaluations.',
  ),
  checkpoint_steps: field(
    count(0, 1e7),
    0,
    'advanced',
    'Checkpoint every',
    'Optimizer steps between two checkpoints, besides those that are made by the clock. 0 leaves it to the clock.',
  ),
  load_best: field(
    flag(),
    false,
    'advanced',
    'Keep the best',
    'End with the adapter of the lowest evaluation loss instead of the last. Needs an evaluation share.',
  ),
  patience: field(
    count(0, 1e7),
    0,
    'advanced',
    'Early stopping',
    'Stop after this many evaluations in a row without a better loss; 0 never does. Needs an evaluation share.',
  ),
  min_delta: field(
    real(0, 100),
    0,
    'advanced',
    'Least improvement',
    'How much lower than the lowest so far an evaluation loss must be for early stopping to count it as better.',
  ),
  spike_guard: field(
    real(0, 1000),
    6,
    'advanced',
    'Spike guard',
    'Leaves out a step whose loss or gradient norm is more than this many standard deviations above the mean of the last 128 steps. It begins after 64 steps; 0 turns it off.',
  ),
  seed: field(
    count(0, 0xffffffff),
    42,
    'advanced',
    'Seed',
    'The same recipe, data and seed give the same adapter, bit for bit, on the same GPU.',
  ),
  dtype: field(
    choice(['auto', 'f32', 'f16']),
    'auto',
    'advanced',
    'Activation type',
    'f16 halves the memory of activations where the GPU has it; sums are always f32. auto takes f32.',
  ),
} as const;

export type RecipeKey = keyof typeof recipeFields;

/** Settings that shape an adapter, or what it is trained on: they say nothing where the model itself is trained. */
export const adapterFields: readonly RecipeKey[] = [
  'rank',
  'alpha',
  'targets',
  'modules_to_save',
  'quant',
  'double_quant',
  'layers',
  'dropout',
  'rslora',
];

/** A frozen description of a training run. */
export type Recipe = { [K in RecipeKey]: v.InferOutput<(typeof recipeFields)[K]['schema']> };

/** The recipe with every field at its default. */
export function defaultRecipe(): Recipe {
  return Object.fromEntries(Object.entries(recipeFields).map(([key, f]) => [key, f.default])) as Recipe;
}

/**
 * Reads a recipe from JSON: unknown keys and values out of range are errors that name the key; null leaves a field
 * at its default.
 * Throws `train.recipe_not_object`, `train.recipe_unknown_key`, `train.recipe_invalid`.
 */
export function parseRecipe(json: unknown): Recipe {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new GraftError('train.recipe_not_object');
  }
  const recipe = defaultRecipe();
  for (const [key, given] of Object.entries(json)) {
    if (!Object.hasOwn(recipeFields, key)) {
      throw new GraftError('train.recipe_unknown_key', { key, known: Object.keys(recipeFields).join(', ') });
    }
    if (given === null) continue;
    const value = valueOf(key as RecipeKey, given);
    const expected = checkField(key as RecipeKey, value);
    if (expected !== null) {
      // JSON has no word for infinity, which 1e999 in a file becomes.
      const shown = (typeof value === 'number' ? String(value) : JSON.stringify(value)).slice(0, 80);
      throw new GraftError('train.recipe_invalid', { key, value: shown, expected });
    }
    Object.assign(recipe, { [key]: value });
  }
  return recipe;
}

/** The value that is meant: a size may be written with its unit. */
function valueOf(key: RecipeKey, given: unknown): unknown {
  return key === 'memory_budget' && typeof given === 'string' ? (parseByteSize(given) ?? given) : given;
}

/** What a value of a field must be, where this one is not; null where it is allowed. */
export function checkField(key: RecipeKey, value: unknown): string | null {
  const result = v.safeParse(recipeFields[key].schema, value);
  return result.success ? null : result.issues[0].message;
}
