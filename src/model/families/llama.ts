import type { Family } from './family.ts';

/** Llama 2, 3, 3.x and SmolLM2: transformers' LlamaForCausalLM. */
export const llama: Family = {
  modelType: 'llama',
  architecture: 'LlamaForCausalLM',
  differences: (config) => {
    const attentionBias = config.boolean('attention_bias', false);
    return { qkvBias: attentionBias, outputBias: attentionBias, mlpBias: config.boolean('mlp_bias', false) };
  },
};
