import { readAdapter, type PeftAdapter, type PeftConfig } from '../formats/peft.ts';
import { targetedModules, type TargetCandidate } from '../formats/peftTargets.ts';
import { RegexError } from '../formats/pythonRegex.ts';
import { clip } from '../formats/safetensorsHeader.ts';
import { GraftError } from '../lib/errors.ts';
import type { Folder } from '../storage/types.ts';
import { settleBase } from './adapterBase.ts';
import { checkAdapter } from './adapterFiles.ts';
import type { ModelFiles } from './openModel.ts';
import { headLinear, modulePath, type DecoderSpec } from './spec.ts';

/** Modules that a warning names. */
const MOST_NAMED = 4;

const UNREAD: Record<RegexError['reason'], string> = {
  wrong: 'it is not a regular expression',
  unknown: 'it uses what Graft does not know of Python’s regular expressions',
  large: 'it stands for too much',
};

/** An adapter that fits the model it was opened for, and what is odd about it. */
export interface OpenedAdapter {
  peft: PeftAdapter;
  /** Not thrown: the adapter works, as it would in PEFT. */
  warnings: GraftError[];
}

/**
 * Reads a PEFT folder for a model: its weights fit, those it brings of the base are distinguished from the model's own, and its
 * modules are those its config targets. Throws what `readAdapter` throws, `model.adapter_*`.
 */
export async function openAdapter(files: ModelFiles, folder: Folder): Promise<OpenedAdapter> {
  const read = await readAdapter(folder);
  checkTies(files.spec, read);
  checkAdapter(files.spec, read);
  const peft = await settleBase(files, read);
  return { peft, warnings: compareTargets(files.spec, peft) };
}

/** LoRA that is to be tied to LoRA on the embedding. Throws `model.adapter_tied_lora`. */
function checkTies({ tied, names }: DecoderSpec, { config, modules }: PeftAdapter): void {
  if (!tied || config.ensure_weight_tying !== true || !modules.has(names.head)) return;
  throw new GraftError('model.adapter_tied_lora', { module: names.head });
}

/**
 * Compares the modules an adapter has weights for with those its config targets, as PEFT does when it loads it: missing
 * ones are as in the base, which is a warning there; others would be left out. Throws `model.adapter_untargeted`.
 */
function compareTargets(spec: DecoderSpec, { config, modules }: PeftAdapter): GraftError[] {
  let targeted: Set<string> | null;
  try {
    targeted = targetedModules(config, candidatesOf(spec));
  } catch (error) {
    if (!(error instanceof RegexError)) throw error;
    return [new GraftError('model.adapter_targets_unread', { problem: UNREAD[error.reason] })];
  }
  if (!targeted) return [];
  if (targeted.size === 0) {
    if (modules.size === 0) return [];
    return [
      new GraftError('model.adapter_targets_none', { targets: clip(JSON.stringify(config.target_modules)) }),
    ];
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
  const named = missing.slice(0, MOST_NAMED).join(', ') + (missing.length > MOST_NAMED ? ', …' : '');
  const params = { count: missing.length, total: targeted.size, modules: named };
  return [new GraftError('model.adapter_incomplete', params)];
}

/** The field without which a module would be targeted, or target_modules. */
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
    for (const { path } of spec.linears) {
      candidates.push({ module: modulePath(spec, layer, path), layer, isHead: false });
    }
  }
  return [...candidates, { module: headLinear(spec).path, layer: null, isHead: true }];
}
