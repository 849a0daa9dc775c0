import type { Family } from './family.ts';

/** Mistral: Llama's layout with a sliding window in every layer, unless the config says null. */
export const mistral: Family = {
  modelType: 'mistral',
  architecture: 'MistralForCausalLM',
  layerTypes: 'declared',
  defaults: { kvHeads: 8, maxPositions: 131072 },
  differences: (config) => {
    const window = config.isNull('sliding_window') ? 0 : config.integer('sliding_window', 4096);
    return { windowOf: () => window };
  },
};
