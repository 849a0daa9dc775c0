import { GraftError } from '../lib/errors.ts';
import { plannedSteps } from './plannedSteps.ts';
import { checkField, defaultRecipe, schedules, type Recipe, type RecipeKey } from './recipe.ts';
import { isUnresolved, shellCommands, shellQuote } from './shellWords.ts';

/** Why a flag has no effect on the recipe. */
export type IgnoredReason =
  /** It is chosen elsewhere in the studio: model, data, output. */
  | 'elsewhere'
  /** Graft always does it. */
  | 'always'
  /** Precision follows from the model's files and the field "Activation type". */
  | 'precision'
  /** There is only one GPU. */
  | 'oneGpu'
  /** It concerns logs and checkpoints, which Graft manages itself. */
  | 'reporting'
  /** A number of steps that is a share of a total only the data determines. */
  | 'needsRows'
  /** Graft does not support it, or not with this value. */
  | 'unsupported'
  /** Outside its field's range. */
  | 'invalid'
  | 'unknown';

/** A flag without effect on the recipe. */
export interface IgnoredFlag {
  flag: string;
  value: string;
  reason: IgnoredReason;
  /** The field it would have set and the rule for its value, if only the value is invalid. */
  field?: RecipeKey;
  expected?: string;
}

/** A command converted to a recipe. */
export interface ImportedFlags {
  /** The whole recipe, with finetune.py's defaults for what the command omits. */
  recipe: Recipe;
  /** Flags that were used, and their fields. */
  taken: { flag: string; field: RecipeKey }[];
  ignored: IgnoredFlag[];
  /** Warm-up as a ratio of the steps, if the number of rows is needed but unknown. */
  warmupRatio: number | null;
  model: string | null;
  data: string | null;
  /**
   * With 16-bit LoRA, finetune.py trains embedding and head in full unless the model's name contains "chat". Only the
   * user knows whether that applies.
   */
  alsoInFull: boolean;
}

/** Defaults of QwenLM/Qwen's finetune.py and of transformers' TrainingArguments that differ from Graft's. */
const finetunePy: Partial<Recipe> = {
  method: 'full',
  rank: 64,
  alpha: 16,
  dropout: 0.05,
  lr: 5e-5,
  epochs: 3,
  batch_size: 8,
  grad_accum: 1,
  max_length: 8192,
  schedule: 'linear',
  warmup_steps: 0,
  weight_decay: 0,
  beta2: 0.999,
  double_quant: false,
  // It evaluates on a file of its own, if at all.
  eval_fraction: 0,
};

/** Flags that the shell scripts of QwenLM/Qwen that take only -m and -d pass to finetune.py. */
const scriptFlags =
  '--num_train_epochs 5 --per_device_train_batch_size 2 --gradient_accumulation_steps 8 --learning_rate 3e-4 ' +
  '--weight_decay 0.1 --adam_beta2 0.95 --warmup_ratio 0.01 --lr_scheduler_type cosine --model_max_length 512 ' +
  '--gradient_checkpointing --lazy_preprocess True';
const scripts: readonly [RegExp, string][] = [
  [/finetune_qlora_ds\.sh/, `${scriptFlags} --learning_rate 1e-5 --use_lora --q_lora`],
  [/finetune_qlora_\w+\.sh/, `${scriptFlags} --use_lora --q_lora`],
  [/finetune_lora_\w+\.sh/, `${scriptFlags} --use_lora`],
  [
    /finetune_ds\.sh/,
    `${scriptFlags} --per_device_train_batch_size 1 --gradient_accumulation_steps 16 --learning_rate 1e-5`,
  ],
];

const numbers: Readonly<Record<string, RecipeKey>> = {
  num_train_epochs: 'epochs',
  per_device_train_batch_size: 'batch_size',
  gradient_accumulation_steps: 'grad_accum',
  learning_rate: 'lr',
  weight_decay: 'weight_decay',
  adam_beta1: 'beta1',
  adam_beta2: 'beta2',
  adam_epsilon: 'eps',
  max_grad_norm: 'max_grad_norm',
  warmup_steps: 'warmup_steps',
  model_max_length: 'max_length',
  lora_r: 'rank',
  lora_alpha: 'alpha',
  lora_dropout: 'dropout',
  eval_steps: 'eval_steps',
  seed: 'seed',
  // transformers’ TrainingArguments, and LLaMA-Factory’s.
  neftune_noise_alpha: 'neftune_noise_alpha',
  loraplus_lr_ratio: 'loraplus_lr_ratio',
};

/** LLaMA-Factory's flags that are on or off. */
const switches: Readonly<Record<string, RecipeKey>> = { use_dora: 'dora', use_rslora: 'rslora' };

const ignoredFlags: Readonly<Record<string, IgnoredReason>> = {
  ...Object.fromEntries(
    ['eval_data_path', 'output_dir', 'cache_dir', 'lora_weight_path', 'overwrite_output_dir'].map(
      as('elsewhere'),
    ),
  ),
  ...Object.fromEntries(
    ['gradient_checkpointing', 'lazy_preprocess', 'remove_unused_columns', 'trust_remote_code'].map(
      as('always'),
    ),
  ),
  ...Object.fromEntries(['bf16', 'tf32', 'bf16_full_eval', 'fp16_full_eval'].map(as('precision'))),
  ...Object.fromEntries(
    [
      'deepspeed',
      'fsdp',
      'local_rank',
      'nproc_per_node',
      'nnodes',
      'node_rank',
      'master_addr',
      'master_port',
      'dataloader_num_workers',
      'ddp_find_unused_parameters',
      'ddp_timeout',
      'per_device_eval_batch_size',
    ].map(as('oneGpu')),
  ),
  ...Object.fromEntries(
    [
      'logging_steps',
      'logging_dir',
      'logging_strategy',
      'report_to',
      'run_name',
      'save_strategy',
      'save_steps',
      'save_total_limit',
      'evaluation_strategy',
      'eval_strategy',
      'load_best_model_at_end',
    ].map(as('reporting')),
  ),
};

function as(reason: IgnoredReason): (flag: string) => [string, IgnoredReason] {
  return (flag) => [flag, reason];
}

/** The linear layers of Qwen v1 that finetune.py adapts by default: all except the head. */
const qwenTargets = ['c_attn', 'c_proj', 'w1', 'w2'];

/**
 * Reads flags of QwenLM/Qwen's finetune.py: from a command, a script around one, or a call of one of its shell scripts
 * with -m and -d. Nothing is guessed: flags without a counterpart in a recipe are listed with the reason. Throws
 * `train.no_flags` if the text contains none.
 * @param rows number of data rows, to convert a warm-up ratio to steps; null if unknown
 */
export function importFlags(text: string, rows: number | null): ImportedFlags {
  const { flags, isScript } = flagsOf(text);
  if (flags.length === 0 && !isScript) throw new GraftError('train.no_flags');
  const result: ImportedFlags = {
    recipe: { ...defaultRecipe(), ...finetunePy },
    taken: [],
    ignored: [],
    warmupRatio: null,
    model: null,
    data: null,
    alsoInFull: false,
  };
  let [useLora, quantized] = [false, false];
  let warmupRatio: { flag: string; value: string } | null = null;
  const ignore = (flag: string, value: string, reason: IgnoredReason) =>
    result.ignored.push({ flag, value, reason });
  const refuse = (flag: string, value: string, field: RecipeKey | undefined, expected: string) =>
    result.ignored.push({ flag, value, reason: 'unsupported', ...(field && { field }), expected });
  const take = (flag: string, field: RecipeKey, value: unknown, written: string) => {
    const expected = checkField(field, value);
    if (expected !== null) {
      return result.ignored.push({ flag, value: written, reason: 'invalid', field, expected });
    }
    Object.assign(result.recipe, { [field]: value });
    return result.taken.push({ flag, field });
  };
  for (const { flag, values } of flags) {
    const name = flag.replace(/^-+/, '').replaceAll('-', '_');
    const value = values.join(' ');
    if (name === 'model_name_or_path' || name === 'm' || name === 'model') result.model = value;
    else if (name === 'data_path' || name === 'd' || name === 'data') result.data = value;
    else if (isUnresolved(value) && isSetting(name)) {
      const field = numbers[name];
      const expected = 'a value: the script does not set what stands there';
      result.ignored.push({ flag, value, reason: 'invalid', ...(field && { field }), expected });
    } else if (name === 'use_lora' || name === 'q_lora') {
      if (name === 'use_lora') useLora = isOn(value);
      else quantized = isOn(value);
      result.taken.push({ flag, field: 'method' });
    } else if (name === 'max_steps') {
      // transformers writes "no limit" as −1.
      take(flag, 'max_steps', Math.max(0, Number(value || NaN)), value);
    } else if (name === 'warmup_ratio') warmupRatio = { flag, value };
    else if (name === 'fp16') take(flag, 'dtype', isOn(value) ? 'f16' : 'auto', value);
    else if (Object.hasOwn(switches, name)) take(flag, switches[name]!, isOn(value), value);
    else if (name === 'lr_scheduler_type') {
      const schedule = schedules.find((known) => known === value);
      if (schedule) take(flag, 'schedule', schedule, value);
      else refuse(flag, value, 'schedule', checkField('schedule', value) ?? '');
    } else if (name === 'optim') {
      const optimizer = /^(paged_)?adamw(_bnb)?_8bit$/.test(value) ? 'adamw_8bit' : 'adamw';
      if (/^(paged_)?adamw/.test(value)) take(flag, 'optimizer', optimizer, value);
      else refuse(flag, value, 'optimizer', 'an AdamW such as adamw_torch or adamw_bnb_8bit');
    } else if (name === 'lora_target_modules') {
      const names = values.flatMap((part) => part.split(/[,\s]+/)).filter(Boolean);
      const all = value === 'all-linear' || [...names].sort().join() === qwenTargets.join();
      take(flag, 'targets', all ? 'all-linear' : names, value);
    } else if (name === 'lora_bias') {
      if (value === 'none') ignore(flag, value, 'always');
      else refuse(flag, value, undefined, 'none');
    } else if (Object.hasOwn(numbers, name)) {
      take(flag, numbers[name]!, value.trim() === '' ? NaN : Number(value), value);
    } else ignore(flag, value, ignoredFlags[name] ?? 'unknown');
  }
  result.recipe.method = useLora ? (quantized ? 'qlora' : 'lora') : 'full';
  if (warmupRatio) {
    const ratio = Number(warmupRatio.value || NaN);
    if (!(ratio >= 0 && ratio <= 1)) {
      const expected = 'a number from 0 to 1';
      result.ignored.push({ ...warmupRatio, reason: 'invalid', field: 'warmup_steps', expected });
    } else if (rows === null && result.recipe.max_steps === 0 && ratio > 0) {
      ignore(warmupRatio.flag, warmupRatio.value, 'needsRows');
      if (!result.taken.some(({ field }) => field === 'warmup_steps')) result.warmupRatio = ratio;
    } else if (!result.taken.some(({ field }) => field === 'warmup_steps')) {
      // As in transformers, a number of steps overrides a ratio.
      const steps = Math.ceil(plannedSteps(result.recipe, rows ?? 0) * ratio);
      take(warmupRatio.flag, 'warmup_steps', steps, warmupRatio.value);
    }
  }
  result.alsoInFull = useLora && !quantized && result.model !== null && !/chat/i.test(result.model);
  // The last of repeated flags wins, as in Python.
  const last = new Map(result.taken.map((entry) => [`${entry.flag} ${entry.field}`, entry]));
  return { ...result, taken: [...last.values()] };
}

/** Whether a flag sets a field of the recipe. */
function isSetting(name: string): boolean {
  return Object.hasOwn(numbers, name) || otherSettings.has(name);
}

const otherSettings = new Set([
  'use_lora',
  'q_lora',
  'max_steps',
  'warmup_ratio',
  'fp16',
  'lr_scheduler_type',
  'optim',
  'lora_target_modules',
  'lora_bias',
]);

function isOn(value: string): boolean {
  return !/^(false|0|no)$/i.test(value);
}

interface Flag {
  flag: string;
  values: string[];
}

function flagsOf(text: string): { flags: Flag[]; isScript: boolean } {
  const commands = shellCommands(text);
  for (const { words } of commands) {
    const program = words.findIndex((word) => /(^|\/)finetune\.py$/.test(word));
    if (program >= 0) return { flags: readFlags(words.slice(program + 1)), isScript: true };
  }
  // Flags without a program: those of a list may be on separate lines.
  const lists: string[][] = [];
  for (const { words, afterLine } of commands) {
    if (afterLine && lists.length > 0) lists.at(-1)!.push(...words);
    else lists.push([...words]);
  }
  const own = lists.flatMap(readFlags);
  const script = scripts.find(([name]) => name.test(text));
  if (!script) return { flags: own, isScript: false };
  return { flags: [...readFlags(script[1].split(' ')), ...own], isScript: true };
}

function readFlags(words: readonly string[]): Flag[] {
  const flags: Flag[] = [];
  let open = false;
  for (const word of words) {
    // A number may be negative: −1 is not a flag.
    if (/^--?[A-Za-z]/.test(word)) {
      const [flag = word, ...rest] = word.split('=');
      flags.push({ flag, values: rest.length > 0 ? [rest.join('=')] : [] });
      open = true;
    } else if (open) flags.at(-1)!.values.push(word);
  }
  return flags;
}

/** Fields with a finetune.py flag, and how their values are written; in the order of its scripts. */
const exported: readonly [flag: string, field: RecipeKey][] = [
  ['num_train_epochs', 'epochs'],
  ['max_steps', 'max_steps'],
  ['per_device_train_batch_size', 'batch_size'],
  ['gradient_accumulation_steps', 'grad_accum'],
  ['learning_rate', 'lr'],
  ['weight_decay', 'weight_decay'],
  ['adam_beta1', 'beta1'],
  ['adam_beta2', 'beta2'],
  ['adam_epsilon', 'eps'],
  ['max_grad_norm', 'max_grad_norm'],
  ['warmup_steps', 'warmup_steps'],
  ['lr_scheduler_type', 'schedule'],
  ['model_max_length', 'max_length'],
  ['seed', 'seed'],
];
const exportedLora: readonly [flag: string, field: RecipeKey][] = [
  ['lora_r', 'rank'],
  ['lora_alpha', 'alpha'],
  ['lora_dropout', 'dropout'],
];

/** Fields that finetune.py can express; others are lost unless they have their defaults. */
const expressible: ReadonlySet<RecipeKey> = new Set([
  ...exported.map(([, field]) => field),
  ...exportedLora.map(([, field]) => field),
  ...(['method', 'targets', 'optimizer', 'dtype', 'quant'] as const),
]);

/** A recipe as a call of QwenLM/Qwen's finetune.py. */
export interface ExportedFlags {
  command: string;
  /** Changed fields without a flag. */
  lost: RecipeKey[];
}

/**
 * Writes a recipe as a call of finetune.py.
 * @param model, data their paths, as one shell word each
 */
export function exportFlags(
  recipe: Recipe,
  { model = '$MODEL', data = '$DATA' }: { model?: string; data?: string } = {},
): ExportedFlags {
  const isLora = recipe.method !== 'full';
  const quoted = (word: string) => (/^\$\w+$/.test(word) ? word : shellQuote(word));
  const pairs = (list: typeof exported) =>
    list
      .filter(([, field]) => field !== 'max_steps' || recipe.max_steps > 0)
      .map(([flag, field]) => `--${flag} ${shellQuote(String(recipe[field]))}`);
  const targets =
    recipe.targets === 'all-linear'
      ? []
      : [`--lora_target_modules ${recipe.targets.map(shellQuote).join(' ')}`];
  const lines = [
    'python finetune.py',
    `--model_name_or_path ${quoted(model)}`,
    `--data_path ${quoted(data)}`,
    '--output_dir output',
    recipe.dtype === 'f16' ? '--fp16 True' : '--bf16 True',
    ...pairs(exported),
    `--optim ${recipe.optimizer === 'adamw' ? 'adamw_torch' : 'adamw_bnb_8bit'}`,
    '--gradient_checkpointing',
    '--lazy_preprocess True',
    ...(isLora ? ['--use_lora', ...(recipe.method === 'qlora' ? ['--q_lora'] : [])] : []),
    ...(isLora ? [...pairs(exportedLora), ...targets] : []),
  ];
  // Rows that are held out by default are not there.
  const defaults: Recipe = { ...defaultRecipe(), eval_fraction: 0 };
  const lost = (Object.keys(recipe) as RecipeKey[]).filter(
    (field) => !expressible.has(field) && JSON.stringify(recipe[field]) !== JSON.stringify(defaults[field]),
  );
  return { command: `${lines.join(' \\\n  ')}\n`, lost };
}
