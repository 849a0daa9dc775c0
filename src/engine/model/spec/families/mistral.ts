import type { ConfigReader } from '../configReader.ts';
import type { Family } from './family.ts';

/** Mistral: Llama's layout with a sliding window in every layer, unless the config says null. */
export const mistral: Family = {
  modelType: 'mistral',
  architecture: 'MistralForCausalLM',
  layerTypes: 'declared',
  defaults: { kvHeads: 8, maxPositions: 131072 },
  differences: (config) => windowOfAll(config, 4096),
};

/**
 * The same window in every layer.
 * @param fallback where the key is absent; 0 for none, as null is
 */
export function windowOfAll(config: ConfigReader, fallback: number): { windowOf: () => number } {
  const absent = config.isNull('sliding_window') || (fallback === 0 && !config.has('sliding_window'));
  const window = absent ? 0 : config.integer('sliding_window', fallback);
  return { windowOf: () => window };
}
