import * as v from 'valibot';
import { parseByteSize } from '../lib/byteSize.ts';
import { GraftError } from '../lib/errors.ts';
import { shortJson } from '../lib/shortJson.ts';
import { choice, count, field, flag, jsonObject, real, wordOrList } from './recipeField.ts';
import { rewardList } from './rewards.ts';

const targetsText = '"all-linear" or a list of module names such as ["q_proj", "v_proj"]';
const moduleName = v.pipe(v.string(targetsText), v.minLength(1, targetsText));
const savedText = 'a list of module names such as ["embed_tokens", "lm_head"]';
const splitText = '"auto" or a number from 0 to 0.5';
const layersText = '"all" or a list of layer numbers such as [0, 1]';

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

/** What A and B of LoRA begin as, by PEFT's names; `default` is what `true` is there. */
export const loraInits = [
  'default',
  'pissa',
  'pissa_niter_1',
  'pissa_niter_2',
  'pissa_niter_4',
  'pissa_niter_8',
  'pissa_niter_16',
  'pissa_niter_32',
] as const;

export type { RecipeGroup } from './recipeField.ts';

/** Every setting of a training run: its rule, default and help, in display order. */
export const recipeFields = {
  method: field(
    choice(['lora', 'qlora', 'full']),
    'lora',
    'main',
    'Method',
    'LoRA trains two small matrices per target layer and freezes the model itself. QLoRA does so on a model quantized to 4 bits: a quarter of the memory, slightly less accurate. Full trains all parameters: for small models, at a learning rate of 1e-5 to 1e-3, with 16 bytes of memory per parameter besides the model itself; the result is a complete model.',
  ),
  objective: field(
    choice(['sft', 'dpo', 'orpo', 'simpo', 'cpo', 'kto', 'grpo']),
    'sft',
    'main',
    'Objective',
    'What training aims at. sft learns the answers of the data. dpo, orpo, simpo and cpo learn to prefer the better answer of each pair; kto learns from answers marked as good or bad. grpo has the model answer each prompt several times, and learns from what its answers are rewarded for (see rewards). dpo and kto compare with the model before training, grpo with a beta above 0. All but sft need a lower learning rate, about a tenth of the usual one.',
  ),
  rank: field(
    count(1, 512),
    16,
    'main',
    'Rank',
    'How much the adapter can learn: 8 to 16 for style and facts, 64 for harder tasks, at the cost of memory.',
  ),
  alpha: field(
    real(0.01, 4096),
    32,
    'main',
    'Alpha',
    'Scale of the adapter: its output is multiplied by alpha ÷ rank. Twice the rank is a common choice.',
  ),
  lr: field(
    real(0, 10),
    2e-4,
    'main',
    'Learning rate',
    'Size of each update. 2e-4 suits most models; small models take 1e-3 and more. Lower it if the loss spikes.',
  ),
  epochs: field(
    real(0.01, 1000),
    3,
    'main',
    'Epochs',
    'Passes over the data. Ignored when "Max steps" is set.',
  ),
  max_steps: field(
    count(0, 1e7),
    0,
    'main',
    'Max steps',
    'Stop after this many optimizer steps. 0 trains for the number of epochs.',
  ),
  batch_size: field(
    count(1, 1024),
    4,
    'main',
    'Batch size',
    'Rows per forward pass. Larger batches are more stable and need more memory.',
  ),
  grad_accum: field(
    count(1, 4096),
    1,
    'main',
    'Gradient accumulation',
    'Micro-batches per optimizer step: the effect of a larger batch without its memory.',
  ),
  max_length: field(
    count(2, 1 << 20),
    1024,
    'main',
    'Max length',
    'Rows longer than this many tokens are truncated; the Data view shows how many.',
  ),
  mask: field(
    choice(['assistant', 'all', 'last', 'chatml']),
    'assistant',
    'main',
    'Train on',
    'Which tokens count in the loss: the assistant’s answers, all tokens, the last answer only, or the answers and the ChatML markers of every turn, as in Qwen v1.',
  ),
  train_thoughts: field(
    flag(),
    true,
    'advanced',
    'Train on reasoning',
    'Train on the reasoning before each trained answer. Off: reasoning is context only.',
  ),
  train_tool_calls: field(
    flag(),
    true,
    'advanced',
    'Train on tool calls',
    'Train on the tool calls in each trained answer. Off: tool calls are context only.',
  ),
  split_turns: field(
    flag(),
    false,
    'advanced',
    'One row per turn',
    'Turn each answer into a row of its own, with the preceding conversation as context. For chat templates that drop earlier reasoning: all reasoning is then trained once.',
  ),
  special_tokens_in_text: field(
    choice(['special', 'text']),
    'special',
    'advanced',
    'Special tokens in messages',
    'How special tokens written in messages, such as <|im_end|>, are encoded: as the special token itself, as most tools do, or as plain text without special meaning.',
  ),
  template_args: field(
    jsonObject,
    {},
    'advanced',
    'Template arguments',
    'Variables for the chat template, as a JSON object such as {"enable_thinking": false}. Rows can set their own in chat_template_kwargs.',
  ),
  preference_data: field(
    choice(['refuse', 'chosen']),
    'refuse',
    'advanced',
    'Preference data',
    'Rows with a better and a worse answer, or with answers marked as good or bad: reject them, or train on the better answers only.',
  ),
  dpo_loss: field(
    choice(['sigmoid', 'hinge', 'ipo', 'robust']),
    'sigmoid',
    'advanced',
    'DPO loss',
    'With objective dpo: the usual logistic loss, the hinge loss of SLiC, the squared loss of IPO (per token), or a loss that allows for wrong labels (see label smoothing).',
  ),
  beta: field(
    real(0, 100),
    0.1,
    'advanced',
    'Beta',
    'With dpo, kto and grpo: how close the model stays to the one before training; higher is closer. With grpo, 0 is the default and leaves that out. With cpo and simpo: the scale of rewards; SimPO’s authors use 2 and more.',
  ),
  label_smoothing: field(
    real(0, 0.49),
    0,
    'advanced',
    'Label smoothing',
    'The share of pairs whose answers may be in the wrong order, for the robust DPO loss and for cpo and simpo.',
  ),
  simpo_gamma: field(
    real(0, 100),
    0.5,
    'advanced',
    'SimPO margin',
    'With simpo: by how much the reward of the better answer should exceed that of the worse one.',
  ),
  cpo_alpha: field(
    real(0, 100),
    1,
    'advanced',
    'CPO likelihood',
    'With cpo: the weight of the likelihood of better answers in the loss.',
  ),
  orpo_lambda: field(
    real(0, 100),
    0.1,
    'advanced',
    'ORPO weight',
    'With orpo: the weight of the odds ratio beside the likelihood of prompt and better answer. TRL calls it beta.',
  ),
  desirable_weight: field(
    real(0, 1000),
    1,
    'advanced',
    'Weight of good answers',
    'With kto: what a good answer counts in the loss. Raise it if there are fewer good answers than bad ones.',
  ),
  undesirable_weight: field(
    real(0, 1000),
    1,
    'advanced',
    'Weight of bad answers',
    'With kto: what a bad answer counts in the loss. Raise it if there are fewer bad answers than good ones.',
  ),
  rewards: field(
    rewardList,
    [],
    'advanced',
    'Rewards',
    'With grpo: what answers are rewarded for, as a JSON list such as [{"kind": "number"}, {"kind": "length", "max": 20, "unit": "tokens", "weight": 0.2}]. Kinds: exact, contains, number (compared with the row’s reference answer or a "column"), regex, format (the whole answer), json (with a "schema"), length, javascript (a function’s "source").',
  ),
  num_generations: field(
    count(2, 256),
    8,
    'advanced',
    'Answers per prompt',
    'With grpo: how many answers to each prompt are compared with each other. More make steadier steps and take longer.',
  ),
  max_completion_length: field(
    count(1, 1 << 20),
    256,
    'advanced',
    'Max answer length',
    'With grpo: an answer ends after this many tokens at the latest, and where prompt and answer reach the max length.',
  ),
  temperature: field(
    real(0.01, 100),
    1,
    'advanced',
    'Temperature',
    'With grpo: how varied the sampled answers are. Probabilities in the loss are at this temperature, as in TRL.',
  ),
  top_p: field(
    real(0.001, 1),
    1,
    'advanced',
    'Top p',
    'With grpo: sample from the likeliest tokens whose probabilities sum to this; 1 takes all.',
  ),
  top_k: field(
    count(0, 1 << 20),
    0,
    'advanced',
    'Top k',
    'With grpo: sample from this many of the likeliest tokens; 0 takes all.',
  ),
  epsilon: field(
    real(0.0001, 100),
    0.2,
    'advanced',
    'Clip range',
    'With grpo: how far the probability of a token may move from where it was sampled before it is no longer pushed. It matters from the second pass over the same answers on.',
  ),
  num_iterations: field(
    count(1, 1000),
    1,
    'advanced',
    'Passes per sample',
    'With grpo: optimizer steps on the same sampled answers before new ones are sampled.',
  ),
  loss_type: field(
    choice(['grpo', 'bnpo', 'dr_grpo', 'dapo']),
    'dapo',
    'advanced',
    'GRPO loss',
    'With grpo: how the losses of tokens are averaged: over each answer and then over answers (grpo), over all tokens of a micro-batch (bnpo) or of a step (dapo), or by the max answer length (dr_grpo), which favors no length.',
  ),
  scale_rewards: field(
    choice(['group', 'batch', 'none']),
    'group',
    'advanced',
    'Scale rewards',
    'With grpo: whether advantages are divided by the deviation of rewards among the answers to a prompt, among all answers of a step, or not.',
  ),
  targets: field(
    wordOrList('all-linear', moduleName, targetsText),
    'all-linear',
    'advanced',
    'Target modules',
    'The linear layers that get an adapter, by name (q_proj, v_proj, …), or all-linear for all except the LM head (add lm_head for that).',
  ),
  modules_to_save: field(
    v.array(moduleName, savedText),
    [],
    'advanced',
    'Fully trained modules',
    'Trains the embedding and LM head in full beside the adapter, for base models that must learn new tokens: ["embed_tokens", "lm_head"]. Needs 16 bytes for each of their parameters.',
  ),
  quant: field(
    choice(['nf4']),
    'nf4',
    'advanced',
    'Quantization',
    'How QLoRA stores the model: nf4 is 4-bit NormalFloat in blocks of 64, as in bitsandbytes. A model that is already quantized to 4 bits is used as it is.',
  ),
  double_quant: field(
    flag(),
    false,
    'advanced',
    'Double quantization',
    'With QLoRA: also quantize the scales of the blocks. 4.13 bits per weight instead of 4.5, slightly less accurate.',
  ),
  head: field(
    choice(['stored', '8bit', 'nf4']),
    'stored',
    'advanced',
    'LM head',
    'How the LM head is kept in GPU memory: as stored, in 8 bits (half of that, hardly less accurate), or in NF4 (a quarter; small models lose much by it). With one that is also the embedding, rows of the embedding are then read from disk. Merging takes the head as stored.',
  ),
  layers: field(
    wordOrList('all', count(0, 100_000, layersText), layersText),
    'all',
    'advanced',
    'Layers',
    'The decoder layers that get an adapter, counted from 0, or all.',
  ),
  memory_budget: field(
    count(0, 2 ** 50, 'a number of bytes, or a size such as "300MB"'),
    0,
    'advanced',
    'Memory budget',
    'The most GPU memory to use, in bytes; 0 sets no limit. The rest is offloaded to disk: first decoder layers, then the embedding and LM head, then layer inputs. Results are identical, but training is slower; more gradient accumulation makes up for most of that.',
  ),
  dropout: field(
    real(0, 0.99),
    0,
    'advanced',
    'Dropout',
    'Fraction of the adapter’s inputs dropped at random during training. 0.05 helps against overfitting on small data.',
  ),
  rslora: field(
    flag(),
    false,
    'advanced',
    'Rank-stabilized LoRA',
    'Scales by alpha ÷ √rank instead of alpha ÷ rank, so that high ranks keep learning.',
  ),
  dora: field(
    flag(),
    false,
    'advanced',
    'DoRA',
    'Trains the length of each weight row apart from its direction, as in PEFT’s use_dora. Often better at low ranks, somewhat slower; needs dropout 0.',
  ),
  init_lora_weights: field(
    choice(loraInits),
    'default',
    'advanced',
    'Initialization',
    'What A and B begin as. default: A random and B zero. pissa: the largest singular values of the weights with their vectors, as in PEFT, which often learns faster; exact, for matrices up to 1024 wide. pissa_niter_N finds them by N passes, quickly for any size; 16 is PEFT’s advice. The adapter has twice the rank, half of it frozen, in memory and in its file. Needs weights that are not quantized, and dropout and weight decay 0.',
  ),
  loraplus_lr_ratio: field(
    real(1, 1024),
    1,
    'advanced',
    'LoRA+ ratio',
    'The learning rate of B is that of A times this, as in PEFT’s create_loraplus_optimizer. 16 is a common choice, at a lower learning rate; 1 trains both alike.',
  ),
  neftune_noise_alpha: field(
    real(0, 1000),
    0,
    'advanced',
    'NEFTune noise',
    'Adds uniform noise to the embeddings during training, of at most alpha ÷ √(tokens of the row × hidden size). 5 to 15 can make answers of chat models fuller; 0 adds none.',
  ),
  schedule: field(
    choice(schedules),
    'cosine',
    'advanced',
    'LR schedule',
    'How the learning rate changes over the run, with the names used in transformers.',
  ),
  warmup_steps: field(
    count(0, 1e7),
    2,
    'advanced',
    'Warmup steps',
    'Steps over which the learning rate rises from zero.',
  ),
  start_rank: field(
    count(0, 512),
    0,
    'advanced',
    'Start rank',
    'Start with this rank and double it up to the full rank, keeping what was learned. 0 starts with the full rank.',
  ),
  grow_steps: field(
    count(1, 1e7),
    100,
    'advanced',
    'Double the rank every',
    'Optimizer steps between doublings, when a start rank is set.',
  ),
  weight_decay: field(
    real(0, 10),
    0,
    'advanced',
    'Weight decay',
    'Pulls the trained weights toward zero at each step.',
  ),
  beta1: field(
    real(0, 0.99999),
    0.9,
    'advanced',
    'Adam β₁',
    'Decay rate of the first moment (mean of the gradient).',
  ),
  beta2: field(
    real(0, 0.9999999),
    0.999,
    'advanced',
    'Adam β₂',
    'Decay rate of the second moment (mean of the squared gradient).',
  ),
  eps: field(real(0, 1), 1e-8, 'advanced', 'Adam ε', 'Keeps updates finite when gradients are tiny.'),
  max_grad_norm: field(
    real(0, 1e6),
    1,
    'advanced',
    'Max gradient norm',
    'Gradients with a larger norm are clipped to it. 0 turns clipping off.',
  ),
  optimizer: field(
    choice(['adamw', 'adamw_8bit']),
    'adamw',
    'advanced',
    'Optimizer',
    'adamw_8bit stores AdamW’s states in 8 bits, a quarter of the memory; small matrices stay in 32 bits.',
  ),
  packing: field(
    flag(),
    false,
    'advanced',
    'Packing',
    'Packs several short rows into one sequence of up to max length. Rows don’t attend to each other.',
  ),
  shuffle: field(
    flag(),
    true,
    'advanced',
    'Shuffle',
    'Reads the rows in a new random order each epoch, with rows of similar length together.',
  ),
  eval_fraction: field(
    v.union([v.literal('auto', splitText), real(0, 0.5, splitText)], splitText),
    'auto',
    'advanced',
    'Evaluation split',
    'Fraction of the rows held out to measure the loss on unseen data. auto holds out a tenth from 50 rows on, at most 50 rows; 0 holds out none.',
  ),
  eval_steps: field(count(1, 1e7), 20, 'advanced', 'Evaluate every', 'Optimizer steps between evaluations.'),
  checkpoint_steps: field(
    count(0, 1e7),
    0,
    'advanced',
    'Checkpoint every',
    'Optimizer steps between checkpoints, in addition to the timed ones. 0 saves timed checkpoints only.',
  ),
  load_best: field(
    flag(),
    false,
    'advanced',
    'Load best at end',
    'End with the adapter of the lowest eval loss instead of the last. Needs an evaluation split.',
  ),
  patience: field(
    count(0, 1e7),
    0,
    'advanced',
    'Early stopping',
    'Stop after this many evaluations in a row without improvement; 0 turns it off. Needs an evaluation split.',
  ),
  min_delta: field(
    real(0, 100),
    0,
    'advanced',
    'Minimum improvement',
    'How far the eval loss must fall below its lowest value for early stopping to count it as an improvement.',
  ),
  spike_guard: field(
    real(0, 1000),
    6,
    'advanced',
    'Spike guard',
    'Skips a step whose loss or gradient norm is more than this many standard deviations above the mean of the last 128 steps. Active after 64 steps; 0 turns it off.',
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
    'Activation dtype',
    'The type of activations within a layer. f16 halves their memory on GPUs that support it; sums are always f32. auto uses f16 on such GPUs, but f32 on software adapters and with the method Full.',
  ),
  kept_inputs: field(
    choice(['f32', 'f16', '8bit']),
    'f32',
    'advanced',
    'Saved layer inputs',
    'How the input of each layer is saved for the backward pass: exactly, in 16 bits (half the memory), or in 8 bits by blocks of 64 (a quarter, less accurate). Saves most with long rows and large batches.',
  ),
} as const;

export type RecipeKey = keyof typeof recipeFields;

/** Objectives of preference training, and the settings that each reads. */
export const preferenceFields = {
  dpo: ['dpo_loss', 'beta', 'label_smoothing'],
  orpo: ['orpo_lambda'],
  simpo: ['beta', 'simpo_gamma', 'label_smoothing'],
  cpo: ['beta', 'cpo_alpha', 'label_smoothing'],
  kto: ['beta', 'desirable_weight', 'undesirable_weight'],
} as const satisfies Record<string, readonly RecipeKey[]>;

/** Settings that only GRPO reads, beside `beta`. */
export const grpoFields = [
  'rewards',
  'num_generations',
  'max_completion_length',
  'temperature',
  'top_p',
  'top_k',
  'epsilon',
  'num_iterations',
  'loss_type',
  'scale_rewards',
] as const satisfies readonly RecipeKey[];

/** Settings of the adapter, or of how it is trained; without effect when the model itself is trained. */
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
  'dora',
  'init_lora_weights',
  'loraplus_lr_ratio',
];

/** The name of an objective of preference training. */
export type PreferenceObjectiveName = keyof typeof preferenceFields;

/** An immutable description of a training run. */
export type Recipe = { [K in RecipeKey]: v.InferOutput<(typeof recipeFields)[K]['schema']> };

/**
 * The recipe with every field at its default.
 * @param objective whose defaults are taken where they depend on it, as in TRL; it is itself no field that is changed
 */
export function defaultRecipe(objective: Recipe['objective'] = 'sft'): Recipe {
  const recipe = Object.fromEntries(
    Object.entries(recipeFields).map(([key, f]) => [key, f.default]),
  ) as Recipe;
  return objective === 'grpo' ? { ...recipe, beta: 0 } : recipe;
}

/**
 * Reads a recipe from JSON: unknown keys and values out of range are errors that name the key; null leaves a field at
 * its default. Throws `train.recipe_not_object`, `train.recipe_unknown_key`, `train.recipe_invalid`.
 */
export function parseRecipe(json: unknown): Recipe {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new GraftError('train.recipe_not_object');
  }
  const recipe = defaultRecipe((json as Partial<Recipe>).objective);
  for (const [key, given] of Object.entries(json)) {
    if (!Object.hasOwn(recipeFields, key)) {
      throw new GraftError('train.recipe_unknown_key', { key, known: Object.keys(recipeFields).join(', ') });
    }
    if (given === null) continue;
    const value = valueOf(key as RecipeKey, given);
    const expected = checkField(key as RecipeKey, value);
    if (expected !== null) {
      // JSON cannot express infinity, but 1e999 in a file parses to it.
      const shown = typeof value === 'number' ? String(value) : shortJson(value, 80);
      throw new GraftError('train.recipe_invalid', { key, value: shown, expected });
    }
    Object.assign(recipe, { [key]: value });
  }
  return recipe;
}

/** Normalizes a value: a size may be written with its unit. */
function valueOf(key: RecipeKey, given: unknown): unknown {
  return key === 'memory_budget' && typeof given === 'string' ? (parseByteSize(given) ?? given) : given;
}

/** The rule that a field's value violates; null if it is valid. */
export function checkField(key: RecipeKey, value: unknown): string | null {
  const result = v.safeParse(recipeFields[key].schema, value);
  return result.success ? null : result.issues[0].message;
}
