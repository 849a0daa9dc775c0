import type { ConfigReader } from '../configReader.ts';
import type { Family } from './family.ts';
import type { Biases } from './llamaLayout.ts';

/** Llama 2, 3, 3.x and SmolLM2: transformers' LlamaForCausalLM. */
export const llama: Family = {
  modelType: 'llama',
  architecture: 'LlamaForCausalLM',
  biases: (config) => ({ ...attentionBiases(config), mlp: config.boolean('mlp_bias', false) }),
};

/** `attention_bias` on q, k, v and o, none on the MLP. */
export function attentionBiases(config: ConfigReader): Biases {
  const attention = config.boolean('attention_bias', false);
  return { qkv: attention, output: attention, mlp: false };
}
