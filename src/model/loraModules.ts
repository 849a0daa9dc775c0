import { GraftError } from '../lib/errors.ts';
import { groupOf } from './siblings.ts';
import { headLinear, modulePath, type DecoderSpec, type LinearSpec } from './spec.ts';

/** One linear layer that gets an adapter: A [rank, in], B [out, rank], y += scale · (x Aᵀ) Bᵀ. */
export interface LoraModule {
  /** Of the head the number of blocks: it comes after the last. */
  layer: number;
  linear: LinearSpec;
  /** Full name, such as "model.layers.0.self_attn.q_proj". */
  path: string;
  rank: number;
  scale: number;
}

/** Which layers get an adapter, and how strong it is: the part of a recipe that shapes the adapter. */
export interface LoraShape {
  rank: number;
  alpha: number;
  rslora: boolean;
  targets: 'all-linear' | readonly string[];
  layers: 'all' | readonly number[];
}

/** Scale of an adapter's output: alpha / r, or alpha / √r with rsLoRA (Kalajdzievski, 2023). */
export function loraScale(rank: number, alpha: number, rslora: boolean): number {
  return alpha / (rslora ? Math.sqrt(rank) : rank);
}

/**
 * The modules a recipe asks for, in the order of the forward pass. A target matches a module by the end of
 * its path, as in PEFT. Throws `train.no_targets`, `train.layer_out_of_range`.
 */
export function planLora(spec: DecoderSpec, shape: LoraShape): LoraModule[] {
  const { rank, alpha, rslora, targets, layers } = shape;
  const { linears } = spec;
  const head = headLinear(spec);
  if (targets !== 'all-linear') {
    const unknown = targets.filter((t) => ![...linears, head].some(({ path }) => matches(path, t)));
    if (unknown.length > 0) {
      const known = [...new Set([...linears, head].map((l) => l.name))].join(', ');
      throw new GraftError('train.no_targets', { targets: unknown.join(', '), known });
    }
  }
  const outside = layers === 'all' ? undefined : layers.find((layer) => layer >= spec.layers);
  if (outside !== undefined) {
    throw new GraftError('train.layer_out_of_range', { layer: outside, layers: spec.layers });
  }
  const scale = loraScale(rank, alpha, rslora);
  const modules: LoraModule[] = [];
  for (let layer = 0; layer < spec.layers; layer++) {
    if (layers !== 'all' && !layers.includes(layer)) continue;
    for (const linear of linears) {
      if (targets !== 'all-linear' && !targets.some((t) => matches(linear.path, t))) continue;
      modules.push({ layer, linear, path: modulePath(spec, layer, linear.path), rank, scale });
    }
  }
  // As in PEFT, "all-linear" leaves the head out, and a choice of layers does not concern it.
  if (targets !== 'all-linear' && targets.some((t) => matches(head.path, t)))
    modules.push({ layer: spec.layers, linear: head, path: head.path, rank, scale });
  return modules;
}

/** Whether a module is the output head, and no layer of a block. */
export function isHead({ linear }: Pick<LoraModule, 'linear'>): boolean {
  return linear.outputs.length === 0;
}

/** The same modules, those that read the same input together, in the order in which they come. */
export function bySiblings(modules: readonly LoraModule[]): LoraModule[][] {
  const groups = new Map<string, LoraModule[]>();
  for (const module of modules) {
    const key = `${module.layer} ${isHead(module) ? 'head' : groupOf(module.linear)}`;
    const siblings = groups.get(key);
    if (siblings) siblings.push(module);
    else groups.set(key, [module]);
  }
  return [...groups.values()];
}

function matches(path: string, target: string): boolean {
  return path === target || path.endsWith(`.${target}`);
}
