import type { Family } from './family.ts';
import { noBias } from './llamaLayout.ts';
import { slidingLayers } from './qwen2.ts';

/** Qwen3: RMSNorm on the heads of q and k, a head_dim of its own, bias only where the config says so. */
export const qwen3: Family = {
  modelType: 'qwen3',
  architecture: 'Qwen3ForCausalLM',
  layerTypes: 'always',
  defaults: { kvHeads: 32, maxPositions: 32768 },
  differences: (config) => ({
    qkNorm: true,
    headDim: config.integer('head_dim', 128),
    ...slidingLayers(config),
  }),
  biases: (config) => {
    const attentionBias = config.boolean('attention_bias', false);
    return { ...noBias, qkv: attentionBias, output: attentionBias };
  },
};
