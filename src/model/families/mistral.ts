import type { Family } from './family.ts';

/** Mistral: Llama's layout with a sliding window in every layer where the config sets one. */
export const mistral: Family = {
  modelType: 'mistral',
  architecture: 'MistralForCausalLM',
  differences: (config) => {
    const window = config.has('sliding_window') ? config.integer('sliding_window') : 0;
    return { windowOf: () => window };
  },
};
