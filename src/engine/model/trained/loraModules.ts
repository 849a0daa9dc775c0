import type { Recipe } from '../../../base/config/recipe.ts';
import { GraftError } from '../../../base/lib/errors.ts';
import { groupOf } from '../spec/fusedProjections.ts';
import { headLinear, linearsOf, modulePath, type DecoderSpec, type LinearSpec } from '../spec/spec.ts';

/** A linear layer with an adapter: A [rank, in], B [out, rank], y += scale · (x Aᵀ) Bᵀ; experts have as many A and B. */
export interface LoraModule {
  /** For the head the number of blocks: it comes after the last. */
  layer: number;
  linear: LinearSpec;
  /** Full name, such as "model.layers.0.self_attn.q_proj"; of experts that of transformers' parameter. */
  path: string;
  rank: number;
  scale: number;
  /** How many times the recipe's rank (and alpha) it has, if not once: PEFT gives gate and up of experts, fused, that of both. */
  times?: number;
  /** Whether its outputs have magnitudes of their own (DoRA). */
  dora?: boolean;
  /** How many of its rank, the last, keep the values they begin with (PiSSA). */
  frozen?: number;
}

/** The part of a recipe that defines the adapter: which layers it adapts, and its strength. */
export interface LoraShape {
  rank: number;
  alpha: number;
  rslora: boolean;
  dora?: boolean;
  init_lora_weights?: Recipe['init_lora_weights'];
  targets: 'all-linear' | readonly string[];
  layers: 'all' | readonly number[];
}

/** Scale of an adapter's output: alpha / r, or alpha / √r with rsLoRA (Kalajdzievski, 2023). */
export function loraScale(rank: number, alpha: number, rslora: boolean): number {
  return alpha / (rslora ? Math.sqrt(rank) : rank);
}

/**
 * The modules selected by a recipe, in the order of the forward pass. A target matches a module by the end of its path,
 * as in PEFT. Throws `train.no_targets`, `train.layer_out_of_range`, `model.adapter_dora_head`.
 */
export function planLora(spec: DecoderSpec, shape: LoraShape): LoraModule[] {
  const { rank, alpha, rslora, targets, layers, dora = false, init_lora_weights: init = 'default' } = shape;
  const head = headLinear(spec);
  if (targets !== 'all-linear') checkTargets(spec, targets);
  const outside = layers === 'all' ? undefined : layers.find((layer) => layer >= spec.layers);
  if (outside !== undefined) {
    throw new GraftError('train.layer_out_of_range', { layer: outside, layers: spec.layers });
  }
  const modules: LoraModule[] = [];
  const add = (layer: number, linear: LinearSpec, path: string, times: number) => {
    const scale = loraScale(times * rank, times * alpha, rslora);
    const one = { layer, linear, path, rank: times * rank, scale, dora, ...(times > 1 && { times }) };
    // Of twice the rank: what is trained, and what takes its beginning from the base.
    modules.push(init === 'default' ? one : { ...one, rank: 2 * one.rank, frozen: one.rank });
  };
  for (let layer = 0; layer < spec.layers; layer++) {
    if (layers !== 'all' && !layers.includes(layer)) continue;
    for (const linear of linearsOf(spec, layer)) {
      const times = timesTargeted(spec, linear, targets);
      if (times > 0) add(layer, linear, modulePath(spec, layer, linear.path), times);
    }
  }
  // As in PEFT, "all-linear" excludes the head, and a selection of layers does not affect it.
  if (targets !== 'all-linear' && targets.some((t) => matches(head.path, t)))
    add(spec.layers, head, head.path, 1);
  checkDora(modules);
  return modules;
}

/** Checks that neither the head nor experts and their router have DoRA. Throws `model.adapter_dora_head`. */
export function checkDora(modules: readonly LoraModule[]): void {
  const other = modules.find((module) => module.dora && (isHead(module) || isParameter(module.linear)));
  if (other) throw new GraftError('model.adapter_dora_head', { module: other.path });
}

/** Throws `train.no_targets` for a target that means no module. */
function checkTargets(spec: DecoderSpec, targets: readonly string[]): void {
  const all = [...spec.linears.filter((linear) => canAdapt(spec, linear)), headLinear(spec)];
  const isKnown = (target: string) =>
    all.some(({ path }) => matches(path, target)) || (isOfPair(target) && targetsPair(spec, targets));
  const unknown = targets.filter((target) => !isKnown(target));
  if (unknown.length === 0) return;
  const known = [...new Set(all.map(({ name }) => name))].join(', ');
  throw new GraftError('train.no_targets', { targets: unknown.join(', '), known });
}

/** Whether PEFT can adapt a layer: not an MLP whose names it takes for those of experts. */
export function canAdapt({ experts }: DecoderSpec, { outputs }: LinearSpec): boolean {
  return !experts?.wereLinear || !['gate', 'up', 'down'].includes(outputs[0]!.projection);
}

/** How many times the rank a layer gets; 0 for no adapter. */
function timesTargeted(spec: DecoderSpec, linear: LinearSpec, targets: LoraShape['targets']): number {
  if (!canAdapt(spec, linear)) return 0;
  const isPair = linear.outputs.length > 1 && linear.experts !== undefined;
  if (targets === 'all-linear') {
    if (!isParameter(linear)) return 1;
    return spec.experts!.wereLinear ? (isPair ? 2 : 1) : 0;
  }
  if (isPair && targetsPair(spec, targets)) return 2;
  return targets.some((target) => matches(linear.path, target)) ? 1 : 0;
}

/** Whether targets name gate and up of experts as transformers 4 did: only both together. */
function targetsPair({ experts }: DecoderSpec, targets: readonly string[]): boolean {
  return experts?.wereLinear === true && targets.includes('gate_proj') && targets.includes('up_proj');
}

function isOfPair(target: string): boolean {
  return target === 'gate_proj' || target === 'up_proj';
}

/** Whether a layer is a parameter of another module in transformers, so that PEFT has it in `target_parameters`. */
export function isParameter({ experts, outputs }: LinearSpec): boolean {
  return experts !== undefined || outputs[0]?.projection === 'router';
}

/** Whether a module is the output head rather than a layer of a block. */
export function isHead({ linear }: Pick<LoraModule, 'linear'>): boolean {
  return linear.outputs.length === 0;
}

/** Groups the modules by fused projections, preserving their order. */
export function byFusedGroup(modules: readonly LoraModule[]): LoraModule[][] {
  const groups = new Map<string, LoraModule[]>();
  for (const module of modules) {
    const key = `${module.layer} ${isHead(module) ? 'head' : groupOf(module.linear)}`;
    const group = groups.get(key);
    if (group) group.push(module);
    else groups.set(key, [module]);
  }
  return [...groups.values()];
}

function matches(path: string, target: string): boolean {
  return path === target || path.endsWith(`.${target}`);
}
