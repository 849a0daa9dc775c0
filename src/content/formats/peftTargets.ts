import type { PeftConfig } from './peftConfig.ts';
import { compilePythonRegex } from './pythonRegex.ts';

/** A linear layer of a model, as PEFT looks at it. */
export interface TargetCandidate {
  /** Full name, such as "model.layers.0.self_attn.q_proj". */
  module: string;
  /** The block it is in; null outside of blocks. */
  layer: number | null;
  /** Whether it is the output head, which "all-linear" leaves out. */
  isHead: boolean;
  /** Full name of its weight, by which `target_parameters` finds it, if that is not the module's "weight". */
  parameter?: string;
  /** False for what PEFT does not adapt by target_modules: experts and their routers. */
  isModule?: boolean;
}

/**
 * The modules that a config's `target_modules`, `target_parameters`, `exclude_modules`, `layers_to_transform`, `layers_pattern` and
 * `modules_to_save` give an adapter to (peft 0.21, `check_target_module_exists`); null where target_modules says
 * nothing, which leaves it to the model. Throws `RegexError` for a pattern that cannot be read.
 */
export function targetedModules(
  config: PeftConfig,
  candidates: readonly TargetCandidate[],
): Set<string> | null {
  const isTarget = targetTest(config);
  if (!isTarget) return null;
  const isExcluded = exclusionTest(config);
  const parameters = config.target_parameters ?? [];
  const asParameter = ({ module, parameter = `${module}.weight` }: TargetCandidate) =>
    parameters.some((target) => parameter === target || parameter.endsWith(`.${target}`));
  const asModule = (one: TargetCandidate) =>
    one.isModule !== false && !isExcluded(one.module) && isTarget(one);
  return new Set(candidates.filter((one) => asParameter(one) || asModule(one)).map(({ module }) => module));
}

function targetTest(config: PeftConfig): ((candidate: TargetCandidate) => boolean) | null {
  const { target_modules: targets } = config;
  if (targets === null) return null;
  if (typeof targets === 'string') {
    if (targets.toLowerCase() === 'all-linear') return ({ isHead }) => !isHead;
    const regex = compilePythonRegex(targets);
    return ({ module }) => regex.fullmatch(module);
  }
  const names = new Set(targets);
  const inLayers = layerTest(config);
  return (candidate) =>
    // A full name is taken whatever the layers are.
    names.has(candidate.module) ||
    (targets.some((target) => candidate.module.endsWith(`.${target}`)) && inLayers(candidate));
}

function layerTest({ layers_to_transform: wanted, layers_pattern: patterns }: PeftConfig) {
  if (wanted === null || wanted === undefined || (Array.isArray(wanted) && wanted.length === 0))
    return () => true;
  const layers = new Set(Array.isArray(wanted) ? wanted : [wanted]);
  const named = typeof patterns === 'string' ? [patterns] : (patterns ?? []);
  const regexes = named
    .filter((pattern) => pattern !== '')
    .map((pattern) => compilePythonRegex(String.raw`(?:^|.*?\.)${pattern}\.\d+\..*`));
  return ({ module, layer }: TargetCandidate) =>
    layer !== null &&
    layers.has(layer) &&
    (regexes.length === 0 || regexes.some((regex) => regex.fullmatch(module)));
}

function exclusionTest({ exclude_modules: excluded, modules_to_save: saved }: PeftConfig) {
  const names = Array.isArray(excluded) ? excluded : [];
  const regex = typeof excluded === 'string' && excluded !== '' ? compilePythonRegex(excluded) : null;
  return (module: string) =>
    regex?.fullmatch(module) === true ||
    names.some((name) => module === name || module.endsWith(`.${name}`)) ||
    // What is trained in full gets no adapter besides, nor does anything under it.
    (saved ?? []).some((name) => `.${module}.`.includes(`.${name}.`));
}
