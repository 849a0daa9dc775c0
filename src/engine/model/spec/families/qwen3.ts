import type { Family } from './family.ts';
import { attentionBiases } from './llama.ts';
import { slidingLayers } from './qwen2.ts';

/** Qwen3: RMSNorm on the heads of q and k, its own head_dim, biases only if the config says so. */
export const qwen3: Family = {
  modelType: 'qwen3',
  architecture: 'Qwen3ForCausalLM',
  layerTypes: 'always',
  defaults: { kvHeads: 32, headDim: 128, maxPositions: 32768 },
  differences: (config, base) => ({
    headNorm: { over: 'head', order: 'before' },
    ...slidingLayers(config, base),
  }),
  biases: attentionBiases,
};
