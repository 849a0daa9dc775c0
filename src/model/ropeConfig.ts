import type { RopeScaling } from '../kernels/ropeFrequencies.ts';
import type { ConfigReader } from './configReader.ts';
import type { RopeSpec } from './spec.ts';

/** transformers' `default_theta`. */
const DEFAULT_THETA = 10_000;

/** What a config says of RoPE besides its own keys. */
interface RopeOwner {
  maxPositions: number;
  /** Whether the family lists a type for each layer, by which `rope_parameters` may then be nested. */
  hasLayerTypes: boolean;
}

/**
 * The rotary embedding a config asks for, from wherever its values may stand (transformers 5.2x,
 * `RotaryEmbeddingConfigMixin`): `rope_scaling`, where it is not empty, hides `rope_parameters` whole; what neither has
 * is taken from the config itself, then from defaults. A null in the inner object is a value, and not a default.
 * Throws `model.config_*`, each with the key.
 */
export function readRope(config: ConfigReader, owner: RopeOwner): RopeSpec {
  const inner = config.record('rope_scaling') ?? config.record('rope_parameters');
  if (inner && owner.hasLayerTypes) refuseNested(inner);
  // A null here is no default either: transformers fails on it.
  const place = inner?.present('rope_theta') ? inner : config;
  const theta = place.present('rope_theta') ? place.required('rope_theta') : DEFAULT_THETA;
  const scaling = inner ? readScaling(inner, config, owner) : { rope_type: 'default' as const };
  if (scaling.rope_type !== 'default') checkPartial(inner!, config);
  return { theta, scaling };
}

/** RoPE by layer type is for models whose layers differ in it; the families here compute one for all. */
function refuseNested(inner: ConfigReader): void {
  for (const key of ['full_attention', 'sliding_attention']) {
    if (inner.has(key)) throw inner.unsupported(key, 'an object');
  }
}

function readScaling(inner: ConfigReader, config: ConfigReader, { maxPositions }: RopeOwner): RopeScaling {
  // Older configs say "type". Null is none of both.
  const key = inner.present('rope_type') || !inner.present('type') ? 'rope_type' : 'type';
  const type = inner.present(key) ? inner.text(key) : 'default';
  if (type === 'default') return { rope_type: type };
  if (type === 'linear') return { rope_type: type, factor: inner.required('factor') };
  if (type === 'llama3') {
    // The config's own value goes before that of the object; without either it is the length of the contexts.
    const place = config.present('original_max_position_embeddings') ? config : inner;
    const original = 'original_max_position_embeddings';
    return {
      rope_type: type,
      factor: inner.required('factor'),
      low_freq_factor: inner.required('low_freq_factor'),
      high_freq_factor: inner.required('high_freq_factor'),
      original_max_position_embeddings: place.present(original) ? place.required(original) : maxPositions,
    };
  }
  throw inner.unsupported(key, type);
}

/** Scaled frequencies are made for a part of the head only, where one is asked for; without scaling it is ignored. */
function checkPartial(inner: ConfigReader, config: ConfigReader): void {
  const key = 'partial_rotary_factor';
  if (inner.present(key)) {
    const factor = inner.required(key);
    if (factor !== 1) throw inner.unsupported(key, String(factor));
    return;
  }
  const factor = config.number(key, 1);
  if (factor !== 1) throw config.unsupported(key, String(factor));
}
