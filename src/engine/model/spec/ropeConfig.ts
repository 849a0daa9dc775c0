import type { RopeFrequencies, RopeScaling } from '../../kernels/ropeFrequencies.ts';
import type { ConfigReader } from './configReader.ts';
import { readLongrope, readYarn } from './ropeExtensions.ts';

/** transformers' `default_theta`. */
export const DEFAULT_THETA = 10_000;

/** What RoPE depends on besides its own keys. */
export interface RopeOwner {
  headDim: number;
  maxPositions: number;
  /** The base where no key gives one. */
  theta: number;
  /** Whether the family gives each layer a type, by which `rope_parameters` may then be nested. */
  hasLayerTypes: boolean;
  /** The default of `partial_rotary_factor`, in families whose heads may turn in part. */
  partial?: number;
  /** The default of `original_max_position_embeddings`, in families that have that key outside the inner object. */
  originalPositions?: number;
}

/**
 * The rotary embedding of a config, wherever its values are (transformers 5.2x, `RotaryEmbeddingConfigMixin`): a
 * non-empty `rope_scaling` hides `rope_parameters` entirely; values in neither are taken from the config itself, then
 * from defaults. A null in the inner object is a value, not a default. Throws `model.config_*`, each with the key.
 * @param inner the object to read, if the family has a default for it
 */
export function readRope(config: ConfigReader, owner: RopeOwner, inner = innerRope(config)): RopeFrequencies {
  if (inner && owner.hasLayerTypes) refuseNested(inner);
  // Null is not a default here either: transformers fails on it.
  const source = inner?.present('rope_theta') ? inner : config;
  const theta = source.present('rope_theta') ? source.required('rope_theta') : owner.theta;
  const context = (at: ConfigReader) => originalPositions(at, config, owner);
  return readFrequencies(config, inner, owner, { theta, context });
}

/** The object that holds the keys of RoPE, or null. */
export function innerRope(config: ConfigReader): ConfigReader | null {
  return config.record('rope_scaling') ?? config.record('rope_parameters');
}

/** The keys of a rotary embedding that depend on how a family nests them. */
interface RopePlace {
  theta: number;
  /** The context before it was extended. */
  context(inner: ConfigReader): number;
  /** What is nested has some keys of its own meaning. */
  nested?: boolean;
}

/** Reads scaling and the share of a head that turns. */
export function readFrequencies(
  config: ConfigReader,
  inner: ConfigReader | null,
  owner: RopeOwner,
  { theta, ...place }: RopePlace,
): RopeFrequencies {
  const scaling = inner ? readScaling(inner, owner, place) : { rope_type: 'default' as const };
  const dims = rotaryDims(config, inner, owner, scaling);
  if (scaling.rope_type === 'longrope') checkFactors(inner!, scaling, Math.ceil(dims / 2));
  return { theta, scaling, dims };
}

/** RoPE by layer type is for models whose layers differ in it; these families use one for all layers. */
function refuseNested(inner: ConfigReader): void {
  for (const key of ['full_attention', 'sliding_attention']) {
    if (inner.has(key)) throw inner.unsupported(key, 'an object');
  }
}

/** The config's own value takes precedence over the object's; without either it is the context length. */
function originalPositions(inner: ConfigReader, config: ConfigReader, owner: RopeOwner): number {
  const key = 'original_max_position_embeddings';
  if (config.present(key)) return config.required(key);
  if (owner.originalPositions !== undefined) return owner.originalPositions;
  return inner.present(key) ? inner.required(key) : owner.maxPositions;
}

function readScaling(
  inner: ConfigReader,
  owner: RopeOwner,
  { context, nested = false }: Omit<RopePlace, 'theta'>,
): RopeScaling {
  // Older configs use "type". Null counts as neither.
  const key = inner.present('rope_type') || !inner.present('type') ? 'rope_type' : 'type';
  const type = inner.present(key) ? inner.text(key) : 'default';
  switch (type) {
    case 'default':
      return { rope_type: type };
    case 'linear':
      return { rope_type: type, factor: inner.required('factor') };
    case 'dynamic':
      // It extends only what is longer than the context, where training and generation end.
      inner.required('factor');
      return { rope_type: 'default' };
    case 'yarn':
      return readYarn(inner, owner.maxPositions, context(inner), nested);
    case 'longrope':
      return readLongrope(inner, owner.maxPositions, context(inner));
    case 'llama3':
      return {
        rope_type: type,
        factor: inner.required('factor'),
        low_freq_factor: inner.required('low_freq_factor'),
        high_freq_factor: inner.required('high_freq_factor'),
        original_max_position_embeddings: context(inner),
      };
    default:
      throw inner.unsupported(key, type);
  }
}

/**
 * Elements of a head that turn. Families without partial heads cannot apply scaled frequencies to a part of the head;
 * without scaling they ignore the factor.
 */
function rotaryDims(
  config: ConfigReader,
  inner: ConfigReader | null,
  { headDim, partial }: RopeOwner,
  { rope_type: type }: RopeScaling,
): number {
  const key = 'partial_rotary_factor';
  const source = inner?.present(key) ? inner : config;
  if (partial === undefined) {
    if (type === 'default') return headDim;
    const factor = source === inner ? inner.required(key) : config.number(key, 1);
    if (factor !== 1) throw source.unsupported(key, String(factor));
    return headDim;
  }
  const factor = source === inner ? inner.required(key) : config.number(key, partial);
  const dims = Math.floor(headDim * factor);
  if (factor > 1 || dims < 1) throw source.unsupported(key, String(factor));
  return dims;
}

function checkFactors(
  inner: ConfigReader,
  { short_factor, long_factor }: Extract<RopeScaling, { rope_type: 'longrope' }>,
  pairs: number,
): void {
  const wrong = [short_factor, long_factor].findIndex((factors) => factors.length !== pairs);
  if (wrong < 0) return;
  const [key, factors] = wrong === 0 ? ['short_factor', short_factor] : ['long_factor', long_factor];
  throw inner.invalid(key, factors, `a list of ${pairs} numbers`);
}
