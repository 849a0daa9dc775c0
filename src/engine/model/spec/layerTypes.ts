import type { RopeFrequencies } from '../../kernels/ropeFrequencies.ts';
import type { ConfigReader } from './configReader.ts';
import { readFrequencies, type RopeOwner } from './ropeConfig.ts';

/** Layers whose type is looked at ahead: more than any model has. */
const MAX_CHECKED = 4096;

/** Layers of attention: to everything before a token, or to a window of it. */
const ATTENTION = ['full_attention', 'sliding_attention'] as const;
export type LayerType = (typeof ATTENTION)[number];

/** Older names in config.json, as transformers replaces them. */
const FORMER: Readonly<Record<string, string>> = { attention: 'full_attention' };

/**
 * The type of each layer: by `key`, or by the family's pattern. Throws `model.config_unsupported` naming the key and
 * the layer for a type that is none of `known`, such as Mamba.
 */
export function layerTypes<T extends string = LayerType>(
  config: ConfigReader,
  layers: number,
  pattern: (layer: number) => T,
  key = 'layer_types',
  known: readonly string[] = ATTENTION,
): (layer: number) => T {
  if (!config.has(key)) return pattern;
  const found = config.strings(key);
  if (found.length !== layers) {
    throw config.invalid(key, found, `a list of num_hidden_layers (${layers}) types`);
  }
  const types = found.map((type, layer) => {
    const name = FORMER[type] ?? type;
    if (!known.includes(name)) throw config.unsupported(`${key}[${layer}]`, type);
    return name as T;
  });
  return (layer) => types[layer]!;
}

/**
 * Checks that a config claims no layers but of attention, in families that have no others; some never look at the list.
 * Throws `model.config_*`.
 */
export function checkLayerTypes(config: ConfigReader, layers: number): void {
  layerTypes(config, layers, () => 'full_attention');
}

/**
 * Windows by type: `sliding_window` in sliding layers. Throws `model.config_invalid` if there are such layers and the
 * window is null.
 * @param fallback where the key is absent; null is as a null in the config
 */
export function windowsOf(
  config: ConfigReader,
  layers: number,
  typeOf: (layer: number) => LayerType,
  fallback: number | null,
): (layer: number) => number {
  if (!config.has('sliding_window') && (fallback === null || config.isNull('sliding_window'))) {
    // A config may claim any number of layers.
    for (let layer = 0; layer < Math.min(layers, MAX_CHECKED); layer++) {
      if (typeOf(layer) === 'sliding_attention')
        throw config.invalid('sliding_window', null, 'a positive whole number');
    }
    return () => 0;
  }
  const window = config.integer('sliding_window', fallback ?? undefined);
  return (layer) => (typeOf(layer) === 'sliding_attention' ? window : 0);
}

/** A base for each type: its key outside `rope_parameters`, and its default. */
export type ThetaByType = Readonly<Record<LayerType, { key: string | null; theta: number }>>;

/**
 * Rotary embeddings by layer type (Gemma 3, OLMo 3): `rope_parameters` is nested by type; an older `rope_scaling` is for
 * full attention only. Throws `model.config_*`.
 */
export function ropeByType(
  config: ConfigReader,
  owner: Omit<RopeOwner, 'hasLayerTypes' | 'theta'>,
  typeOf: (layer: number) => LayerType,
  thetas: ThetaByType,
): (layer: number) => RopeFrequencies {
  const parameters = config.record('rope_parameters');
  const types = Object.keys(thetas) as LayerType[];
  if (parameters && !types.some((type) => parameters.present(type))) {
    throw config.unsupported('rope_parameters', 'without full_attention and sliding_attention');
  }
  const read = (type: LayerType): RopeFrequencies => {
    const own = parameters?.object(type) ?? null;
    const scaling = type === 'full_attention' ? config.object('rope_scaling') : null;
    // Keys of the older object replace those of the newer.
    const inner = scaling && own ? own.with(scaling) : (scaling ?? own);
    const { key, theta: fallback } = thetas[type];
    const outer = key !== null && config.present(key) ? config.required(key) : fallback;
    const theta = inner?.present('rope_theta') ? inner.required('rope_theta') : outer;
    const context = (at: ConfigReader) => at.number('original_max_position_embeddings', owner.maxPositions);
    const all = { ...owner, hasLayerTypes: true, theta };
    return readFrequencies(config, inner, all, { theta, context, nested: true });
  };
  const ropes = { full_attention: read('full_attention'), sliding_attention: read('sliding_attention') };
  return (layer) => ropes[typeOf(layer)];
}
