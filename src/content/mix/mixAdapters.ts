import { publicModelName } from '../../base/lib/publicName.ts';
import { GraftError } from '../../base/lib/errors.ts';
import type { PeftAdapter, PeftModule } from '../formats/peft.ts';
import { isOlora } from '../formats/peftConfig.ts';
import { Matrix, nearestOfRank, nearestToProduct, type Factors } from '../../base/algebra/lowRank.ts';
import { combinationOf, combine, type MixRule, type MixSettings } from './mixRules.ts';
import { inModelOrder } from './moduleOrder.ts';
import { TorchRandom } from './torchRandom.ts';

/** An adapter and its part in a mix. */
export interface Ingredient {
  /** For errors. */
  name: string;
  adapter: PeftAdapter;
  /** May be negative, which takes away what the adapter does. */
  weight: number;
}

export interface MixOptions extends MixSettings {
  rule: MixRule;
  /** Of the result, for the rules that end in svd; null for the highest of the adapters. */
  rank: number | null;
  /** Of the random numbers of the dare rules: those that PEFT draws after `torch.manual_seed(seed)`. */
  seed: number;
}

/** A module of the adapters that have it. */
interface Part {
  module: PeftModule;
  weight: number;
}

/**
 * Mixes LoRA adapters of one model into one, as PEFT 0.21's `add_weighted_adapter` does. Its alpha is its rank, so its scale
 * is 1. Differs from PEFT in two places: the result never has rsLoRA's scale, which would multiply it by √rank; and
 * modules of a lower rank than the others are filled up with zeros, where PEFT writes what it cannot read.
 * Throws `merge.mix_saved` for matrices trained in full, `merge.mix_lora_only` for what else is no plain LoRA, `merge.mix_shape` for modules of different sizes, `merge.mix_rank`
 * where a rule needs equal ranks.
 */
export function mixAdapters(ingredients: readonly Ingredient[], options: MixOptions): PeftAdapter {
  const rule = ingredients.length === 1 ? 'linear' : options.rule;
  const rank = rankOf(ingredients, rule, options.rank);
  const names = new Set(ingredients.flatMap(({ adapter }) => [...adapter.modules.keys()]));
  for (const { name, adapter } of ingredients) checkMixable(name, adapter);
  const random = new TorchRandom(options.seed);
  const parts = inModelOrder(names).map((name): [string, Part[]] => [name, partsOf(name, ingredients)]);
  if (rule !== 'cat' && combinationOf(rule).prune === 'random') {
    // PEFT initializes the new adapter first: A and B as linear layers, then A again.
    for (const [, of] of parts) {
      const { inFeatures, outFeatures } = of[0]!.module;
      random.skip(rank * (2 * inFeatures + outFeatures));
    }
  }
  const modules = new Map<string, PeftModule>();
  for (const [name, of] of parts) {
    const { inFeatures, outFeatures } = of[0]!.module;
    modules.set(name, { ...mixed(of, rule, rank, options, random), rank, scale: 1, inFeatures, outFeatures });
  }
  return { config: configOf(ingredients, rank, names), modules };
}

function mixed(
  parts: readonly Part[],
  rule: MixRule,
  rank: number,
  settings: MixSettings,
  random: TorchRandom,
): Factors {
  if (rule === 'cat') return concatenated(parts, rank);
  const combination = combinationOf(rule);
  if (!rule.endsWith('svd')) {
    // Half of each weight goes to A, the other half to B; its sign to one of them.
    const halves = parts.map(({ module, weight }) => Math.sqrt(Math.abs(weight * module.scale)));
    const signed = halves.map((half, i) => (parts[i]!.weight * parts[i]!.module.scale < 0 ? -half : half));
    const of = (side: 'a' | 'b') => parts.map(({ module }) => padded(module, rank)[side]);
    const a = combine(of('a'), signed, combination, settings, random);
    return { a, b: combine(of('b'), halves, combination, settings, random) };
  }
  const { inFeatures, outFeatures } = parts[0]!.module;
  if (rule === 'svd') {
    const all = concatenated(
      parts,
      parts.reduce((sum, { module }) => sum + module.rank, 0),
    );
    const total = all.a.length / inFeatures;
    return nearestToProduct(matrixOf(all.b, outFeatures, total), matrixOf(all.a, total, inFeatures), rank);
  }
  const weights = parts.map(({ weight }) => weight);
  const values = combine(
    parts.map(({ module }) => update(module)),
    weights,
    combination,
    settings,
    random,
  );
  return nearestOfRank(matrixOf(values, outFeatures, inFeatures), rank);
}

/** All A on top of each other, with weights and scales in them, and all B beside each other. */
function concatenated(parts: readonly Part[], rank: number): Factors {
  const { inFeatures, outFeatures } = parts[0]!.module;
  const a = new Float32Array(rank * inFeatures);
  const b = new Float32Array(outFeatures * rank);
  let at = 0;
  for (const { module, weight } of parts) {
    const factor = weight * module.scale;
    a.set(
      module.a.map((value) => value * factor),
      at * inFeatures,
    );
    copyColumns(module, b, rank, at);
    at += module.rank;
  }
  return { a, b };
}

/** A module with rows of A and columns of B that are 0, up to a rank. */
function padded(module: PeftModule, rank: number): Factors {
  if (module.rank === rank) return module;
  const a = new Float32Array(rank * module.inFeatures);
  const b = new Float32Array(module.outFeatures * rank);
  a.set(module.a);
  copyColumns(module, b, rank, 0);
  return { a, b };
}

/** Copies B of a module into the columns from `at` of a wider one. */
function copyColumns({ b, rank, outFeatures }: PeftModule, target: Float32Array, width: number, at: number) {
  for (let row = 0; row < outFeatures; row++)
    target.set(b.subarray(row * rank, (row + 1) * rank), row * width + at);
}

/** What a module adds to its weight, scale · B · A, as `[outFeatures, inFeatures]` in f32. */
function update({ a, b, rank, scale, inFeatures, outFeatures }: PeftModule): Float32Array {
  const out = new Float32Array(outFeatures * inFeatures);
  for (let row = 0; row < outFeatures; row++) {
    for (let col = 0; col < inFeatures; col++) {
      let sum = 0;
      for (let k = 0; k < rank; k++) sum += b[row * rank + k]! * a[k * inFeatures + col]!;
      out[row * inFeatures + col] = sum * scale;
    }
  }
  return out;
}

function matrixOf(values: Float32Array, rows: number, columns: number): Matrix {
  return Matrix.from1DArray(rows, columns, values);
}

function partsOf(name: string, ingredients: readonly Ingredient[]): Part[] {
  const found = ingredients.flatMap(({ adapter, weight, name: of }) => {
    const module = adapter.modules.get(name);
    return module ? [{ module, weight, of }] : [];
  });
  const [first] = found as [(typeof found)[0]];
  const shape = ({ module }: Part) => `[${module.outFeatures}, ${module.inFeatures}]`;
  for (const other of found) {
    if (shape(other) === shape(first)) continue;
    const params = { module: name, adapter: first.of, shape: shape(first), other: other.of };
    throw new GraftError('merge.mix_shape', { ...params, otherShape: shape(other) });
  }
  return found;
}

function checkMixable(name: string, { modules, saved, replaced, biases, config }: PeftAdapter): void {
  const refuse = (what: string) => new GraftError('merge.mix_lora_only', { adapter: name, what });
  if (config.use_dora) throw refuse('magnitudes of DoRA');
  if (biases) throw refuse('trained biases');
  if (isOlora(config)) throw refuse('the start of OLoRA, which is in the base weights');
  const [expert] = [...modules].find(([, { experts }]) => experts !== undefined) ?? [];
  if (expert !== undefined) throw new GraftError('merge.mix_experts', { adapter: name, module: expert });
  const [module] = [...(saved?.keys() ?? []), ...(replaced?.keys() ?? [])];
  if (module !== undefined) throw new GraftError('merge.mix_saved', { adapter: name, module });
}

/** The rank of a mix. Throws `merge.mix_rank`. */
function rankOf(ingredients: readonly Ingredient[], rule: MixRule, wanted: number | null): number {
  const ranks = ingredients.map(({ adapter: { config } }) =>
    Math.max(config.r, ...Object.values(config.rank_pattern ?? {})),
  );
  if (rule === 'cat') return ranks.reduce((sum, rank) => sum + rank, 0);
  if (rule.endsWith('svd')) return wanted ?? Math.max(...ranks);
  if (new Set(ranks).size > 1) throw new GraftError('merge.mix_rank', { rule, ranks: ranks.join(', ') });
  return ranks[0]!;
}

/** The first adapter's config, for the modules of all. */
function configOf(ingredients: readonly Ingredient[], rank: number, names: ReadonlySet<string>) {
  const configs = ingredients.map(({ adapter }) => adapter.config);
  const { base_model_name_or_path: base } = configs[0]!;
  const lists = configs.map(
    ({ target_modules: targets, layers_to_transform: layers, exclude_modules: no }) =>
      Array.isArray(targets) && isEmpty(layers) && isEmpty(no) ? targets : null,
  );
  // Full names say the same as patterns and layers that cannot be joined.
  const targets = lists.every((list) => list !== null) ? [...new Set(lists.flat())] : [...names];
  return {
    ...configs[0]!,
    // Other programs write the path of their machine.
    base_model_name_or_path: base && publicModelName(base),
    r: rank,
    lora_alpha: rank,
    target_modules: targets,
    use_rslora: false,
    rank_pattern: {},
    alpha_pattern: {},
    layers_to_transform: null,
    layers_pattern: null,
    exclude_modules: null,
    modules_to_save: null,
  };
}

const isEmpty = (value: unknown): boolean =>
  value === null || value === undefined || (Array.isArray(value) && value.length === 0) || value === '';
