import { layerTypes, windowsOf } from '../layerTypes.ts';
import type { Family } from './family.ts';
import { capOf, fourNormNames, gemmaDefaults, gemmaDifferences } from './gemma.ts';
import { attentionBiases } from './llama.ts';

/** Gemma 2: sliding layers and others by turns, and soft caps on scores and logits. */
export const gemma2: Family = {
  modelType: 'gemma2',
  architecture: 'Gemma2ForCausalLM',
  layerTypes: 'always',
  defaults: { ...gemmaDefaults, maxPositions: 8192 },
  differences: (config, base) => {
    const typeOf = layerTypes(config, base.layers, (layer) =>
      (layer + 1) % 2 ? 'sliding_attention' : 'full_attention',
    );
    return {
      ...gemmaDifferences(config, base, 30),
      attentionCap: capOf(config, 'attn_logit_softcapping', 50),
      windowOf: windowsOf(config, base.layers, typeOf, 4096),
    };
  },
  biases: attentionBiases,
  layout: () => ({ names: fourNormNames }),
};
