import { GraftError } from '../../base/lib/errors.ts';
import { shortJson } from '../../base/lib/shortJson.ts';

/** The `adapter_config.json` of a LoRA adapter, in PEFT's own keys (peft 0.19, `LoraConfig`). Other keys pass through. */
export interface PeftConfig {
  peft_type: 'LORA';
  task_type: string | null;
  base_model_name_or_path: string | null;
  revision?: string | null;
  r: number;
  lora_alpha: number;
  lora_dropout: number;
  /** Names or ends of names of modules; as a string, a regular expression or `all-linear`. */
  target_modules: string | string[] | null;
  exclude_modules?: string | string[] | null;
  /** Names or ends of names of parameters: those of experts, which are in no module of their own. */
  target_parameters?: string[] | null;
  bias: 'none' | 'all' | 'lora_only';
  fan_in_fan_out: boolean;
  use_rslora: boolean;
  use_dora: boolean;
  init_lora_weights: boolean | string | null;
  inference_mode: boolean;
  modules_to_save: string[] | null;
  /** Saved embedding and head of a tied model are one matrix (peft 0.18). */
  ensure_weight_tying?: boolean;
  rank_pattern?: Record<string, number> | null;
  alpha_pattern?: Record<string, number> | null;
  layers_to_transform?: number | number[] | null;
  layers_pattern?: string | string[] | null;
}

/** A config of plain LoRA with PEFT's defaults; `fields` take precedence. */
export function newPeftConfig(fields: Partial<PeftConfig> = {}): PeftConfig {
  return {
    peft_type: 'LORA',
    task_type: 'CAUSAL_LM',
    base_model_name_or_path: null,
    revision: null,
    r: 8,
    lora_alpha: 8,
    lora_dropout: 0,
    target_modules: null,
    bias: 'none',
    fan_in_fan_out: false,
    use_rslora: false,
    use_dora: false,
    init_lora_weights: true,
    inference_mode: true,
    modules_to_save: null,
    rank_pattern: {},
    alpha_pattern: {},
    layers_to_transform: null,
    layers_pattern: null,
    ...fields,
  };
}

/** Fields that change what an adapter does, and the feature they stand for. Absent, null, false and empty mean "off". */
const unsupported: Record<string, string> = {
  lora_bias: 'a bias inside LoRA',
  layer_replication: 'replicated layers',
  trainable_token_indices: 'trained tokens',
  alora_invocation_tokens: 'activated LoRA',
  arrow_config: 'Arrow routing',
  use_qalora: 'QA-LoRA',
  use_bdlora: 'block-diagonal LoRA',
  kasa_config: 'KaSA',
  monteclora_config: 'MonteCLoRA',
  megatron_config: 'Megatron layers',
};

/**
 * Ways to start LoRA that leave the base weights alone. Others (PiSSA, CorDA, LoftQ, …) subtract from them whenever PEFT
 * loads the adapter; of those OLoRA is cheap enough to repeat (`model/trained/olora.ts`).
 */
const plainInit: unknown[] = [undefined, null, true, false, 'gaussian', 'eva', 'orthogonal', 'mica'];

const biases: unknown[] = ['none', 'all', 'lora_only'];

/** Whether PEFT subtracts what OLoRA began with from the base weights. */
export function isOlora({ init_lora_weights: init }: { init_lora_weights?: unknown }): boolean {
  return typeof init === 'string' && init.toLowerCase() === 'olora';
}

/**
 * Checks the object read from an `adapter_config.json` and fills in PEFT's defaults for absent fields. Throws
 * `formats.adapter_unsupported` for anything but LoRA and DoRA, `formats.adapter_mutates_base` for an initialization that
 * PEFT repeats on the base weights, and `formats.adapter_field` for a wrong value.
 */
export function checkPeftConfig(raw: Record<string, unknown>, folder: string, file: string): PeftConfig {
  const refuse = (field: string, feature: string): never => {
    const found = show(raw[field]);
    throw new GraftError('formats.adapter_unsupported', { folder, field, feature, found });
  };
  const expect = (field: string, ok: boolean, expected: string): void => {
    if (!ok)
      throw new GraftError('formats.adapter_field', { file, field, expected, found: show(raw[field]) });
  };

  const { peft_type: type } = raw;
  expect('peft_type', typeof type === 'string', '“LORA”');
  if (type !== 'LORA') refuse('peft_type', `the method ${show(type)}`);
  for (const [field, feature] of Object.entries(unsupported)) if (!isOff(raw[field])) refuse(field, feature);
  if (!plainInit.includes(raw.init_lora_weights) && !isOlora(raw)) {
    throw new GraftError('formats.adapter_mutates_base', { folder, init: show(raw.init_lora_weights) });
  }
  expect('bias', raw.bias === undefined || biases.includes(raw.bias), '“none”, “all” or “lora_only”');
  expect('use_dora', isOff(raw.use_dora) || raw.use_dora === true, 'true or false');

  expect('r', isRank(raw.r), 'a whole number above 0');
  expect('lora_alpha', isNumber(raw.lora_alpha), 'a number');
  expect('lora_dropout', raw.lora_dropout === undefined || isNumber(raw.lora_dropout), 'a number');
  expect('use_rslora', isOff(raw.use_rslora) || raw.use_rslora === true, 'true or false');
  expect('rank_pattern', isPattern(raw.rank_pattern, isRank), 'an object of whole numbers above 0');
  expect('alpha_pattern', isPattern(raw.alpha_pattern, isNumber), 'an object of numbers');
  const base = raw.base_model_name_or_path;
  expect(
    'base_model_name_or_path',
    base === undefined || base === null || typeof base === 'string',
    'a name',
  );
  const saved = raw.modules_to_save;
  expect('modules_to_save', isOff(saved) || isStrings(saved), 'a list of module names');
  const targets = raw.target_modules;
  const isTargets =
    targets === undefined || targets === null || typeof targets === 'string' || isStrings(targets);
  expect('target_modules', isTargets, 'a list of module names');
  const parameters = raw.target_parameters;
  expect('target_parameters', isOff(parameters) || isStrings(parameters), 'a list of parameter names');
  const excluded = raw.exclude_modules;
  expect(
    'exclude_modules',
    isOff(excluded) || typeof excluded === 'string' || isStrings(excluded),
    'a list of module names, or a regular expression',
  );
  const layers = raw.layers_to_transform;
  const isLayers = isOff(layers) || isLayer(layers) || (Array.isArray(layers) && layers.every(isLayer));
  expect('layers_to_transform', isLayers, 'a list of layers, counted from 0');
  const pattern = raw.layers_pattern;
  expect(
    'layers_pattern',
    isOff(pattern) || typeof pattern === 'string' || isStrings(pattern),
    'names of layer lists',
  );
  if (typeof targets === 'string') {
    // As in PEFT: a regular expression says it all.
    expect('layers_to_transform', isOff(layers), 'null, since target_modules is a string');
    expect('layers_pattern', isOff(pattern) || pattern === '', 'null, since target_modules is a string');
  }
  expect(
    'ensure_weight_tying',
    isOff(raw.ensure_weight_tying) || raw.ensure_weight_tying === true,
    'true or false',
  );
  return { ...newPeftConfig(), ...(withoutOff(raw) as Partial<PeftConfig>) };
}

function isOff(value: unknown): boolean {
  if (value === undefined || value === null || value === false) return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

/** Fields that other programs may also turn off by false or an empty object, as null or false says it. */
const offs: Record<string, null | false> = {
  modules_to_save: null,
  exclude_modules: null,
  target_parameters: null,
  layers_to_transform: null,
  layers_pattern: null,
  use_rslora: false,
  use_dora: false,
  ensure_weight_tying: false,
};

/** The fields with each that is off in its own type: whoever reads a list must not find false. */
function withoutOff(raw: Record<string, unknown>): Record<string, unknown> {
  const fields = { ...raw };
  for (const [field, off] of Object.entries(offs)) {
    const value = raw[field];
    if (value !== undefined && !Array.isArray(value) && isOff(value)) fields[field] = off;
    if (Array.isArray(value) && off === false) fields[field] = off;
  }
  return fields;
}

function isNumber(value: unknown): value is number {
  return Number.isFinite(value);
}

function isRank(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

function isLayer(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isStrings(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function isPattern(value: unknown, ok: (item: unknown) => boolean): boolean {
  if (value === undefined || value === null) return true;
  return typeof value === 'object' && !Array.isArray(value) && Object.values(value).every(ok);
}

function show(value: unknown): string {
  return value === undefined ? 'missing' : shortJson(value);
}
