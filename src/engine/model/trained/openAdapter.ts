import { readAdapter, type PeftAdapter, type PeftConfig } from '../../../content/formats/peft.ts';
import { targetedModules, type TargetCandidate } from '../../../content/formats/peftTargets.ts';
import { RegexError, regexProblems } from '../../../content/formats/pythonRegex.ts';
import { clip } from '../../../content/formats/safetensorsHeader.ts';
import { GraftError } from '../../../base/lib/errors.ts';
import { shortJson } from '../../../base/lib/shortJson.ts';
import type { Folder } from '../../../base/storage/types.ts';
import { settleBase } from './adapterBase.ts';
import { checkAdapter } from './adapterFiles.ts';
import { isParameter } from './loraModules.ts';
import { plainOlora } from './olora.ts';
import type { ModelFiles } from '../spec/openModel.ts';
import { headLinear, linearsOf, modulePath, type DecoderSpec } from '../spec/spec.ts';

/** Maximum number of modules named in a warning. */
const MAX_NAMED = 4;

/** An adapter that fits the model it was opened for, with warnings. */
export interface OpenedAdapter {
  peft: PeftAdapter;
  /** Not thrown: the adapter works, as it would in PEFT. */
  warnings: GraftError[];
}

/**
 * Reads a PEFT folder for a model: checks that its weights fit, separates copies of the base's weights from trained
 * ones, makes plain LoRA of OLoRA, and compares its modules with the config's targets. Throws what `readAdapter` throws, `model.adapter_*`.
 */
export async function openAdapter(files: ModelFiles, folder: Folder): Promise<OpenedAdapter> {
  const read = await readAdapter(folder);
  checkTies(files.spec, read);
  checkAdapter(files.spec, read);
  const peft = await plainOlora(files, await settleBase(files, read));
  return { peft, warnings: compareTargets(files.spec, peft) };
}

/** Rejects LoRA that should be tied to LoRA on the embedding. Throws `model.adapter_tied_lora`. */
function checkTies({ tied, names }: DecoderSpec, { config, modules }: PeftAdapter): void {
  if (!tied || config.ensure_weight_tying !== true || !modules.has(names.head)) return;
  throw new GraftError('model.adapter_tied_lora', { module: names.head });
}

/**
 * Compares the modules that have weights with those the config targets, as PEFT does: missing ones are as in the base,
 * which is a warning there; others would be ignored. Throws `model.adapter_untargeted`.
 */
function compareTargets(spec: DecoderSpec, { config, modules }: PeftAdapter): GraftError[] {
  let targeted: Set<string> | null;
  try {
    targeted = targetedModules(config, candidatesOf(spec));
  } catch (error) {
    if (!(error instanceof RegexError)) throw error;
    return [new GraftError('model.adapter_targets_unread', { problem: regexProblems[error.reason] })];
  }
  if (!targeted) return [];
  if (targeted.size === 0) {
    if (modules.size === 0) return [];
    return [new GraftError('model.adapter_targets_none', { targets: shortJson(config.target_modules) })];
  }
  const extra = [...modules.keys()].filter((module) => !targeted.has(module));
  if (extra.length > 0) {
    const params = {
      module: clip(extra[0]!),
      more: extra.length - 1,
      field: fieldBehind(config, spec, extra[0]!),
    };
    throw new GraftError('model.adapter_untargeted', params);
  }
  const missing = [...targeted].filter((module) => !modules.has(module));
  if (missing.length === 0) return [];
  const named = missing.slice(0, MAX_NAMED).join(', ') + (missing.length > MAX_NAMED ? ', …' : '');
  const params = { count: missing.length, total: targeted.size, modules: named };
  return [new GraftError('model.adapter_incomplete', params)];
}

/** The config field that excludes a module, or else target_modules. */
function fieldBehind(config: PeftConfig, spec: DecoderSpec, module: string): string {
  const candidates = candidatesOf(spec);
  const without: (keyof PeftConfig)[] = ['layers_to_transform', 'exclude_modules', 'modules_to_save'];
  return (
    without.find((field) => targetedModules({ ...config, [field]: null }, candidates)?.has(module)) ??
    'target_modules'
  );
}

function candidatesOf(spec: DecoderSpec): TargetCandidate[] {
  const candidates: TargetCandidate[] = [];
  for (let layer = 0; layer < spec.layers; layer++) {
    for (const linear of linearsOf(spec, layer)) {
      const module = modulePath(spec, layer, linear.path);
      const parameter = linear.experts && { parameter: module };
      candidates.push({ module, layer, isHead: false, ...parameter, isModule: !isParameter(linear) });
    }
  }
  return [...candidates, { module: headLinear(spec).path, layer: null, isHead: true }];
}
