import type { Family } from './family.ts';

/** Llama 2, 3, 3.x and SmolLM2: transformers' LlamaForCausalLM. */
export const llama: Family = {
  modelType: 'llama',
  architecture: 'LlamaForCausalLM',
  differences: () => ({}),
  biases: (config) => {
    const attentionBias = config.boolean('attention_bias', false);
    return { qkv: attentionBias, output: attentionBias, mlp: config.boolean('mlp_bias', false) };
  },
};
