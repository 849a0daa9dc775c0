import type { Family } from './family.ts';
import { capOf } from './gemma.ts';
import { attentionBiases } from './llama.ts';
import { attentionLinears, linear } from './llamaLayout.ts';

/** nanochat: norms without weights, one of them on embeddings; heads turn the other way; an MLP without a gate. */
export const nanochat: Family = {
  modelType: 'nanochat',
  architecture: 'NanoChatForCausalLM',
  defaults: { activation: ['hidden_act', 'relu2'] },
  differences: (config) => ({
    normWeights: false,
    embeddingNorm: true,
    headNorm: { over: 'head', order: 'after' },
    rotation: { interleaved: false, reversed: true, queryScale: null },
    logits: { multiplier: 1, cap: capOf(config, 'final_logit_softcapping', 15) },
  }),
  biases: attentionBiases,
  layout: (sizes, biases) => {
    const { hiddenSize: d, ffnSize: f } = sizes;
    return {
      linears: [
        ...attentionLinears(sizes, biases),
        linear('mlp.fc1', d, false, { up: f }),
        linear('mlp.fc2', f, false, { down: d }),
      ],
    };
  },
};
