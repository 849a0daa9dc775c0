import type { Family } from './family.ts';
import { attentionLinears, linear, llamaNames, noBias } from './llamaLayout.ts';

/** GLM-4: norms before and after, half of each head turns in neighbouring pairs, gate and up in one layer. */
export const glm4: Family = {
  modelType: 'glm4',
  architecture: 'Glm4ForCausalLM',
  defaults: {
    kvHeads: 2,
    headDim: 128,
    maxPositions: 131_072,
    normEps: 1.5625e-7,
    partialRotary: 0.5,
  },
  differences: () => ({ rotation: { interleaved: true, reversed: false, queryScale: null } }),
  biases: (config) => ({ ...noBias, qkv: config.boolean('attention_bias', true) }),
  layout: (sizes, biases) => {
    const { hiddenSize: d, ffnSize: f } = sizes;
    return {
      names: {
        ...llamaNames,
        norms: {
          beforeAttention: 'input_layernorm',
          afterAttention: 'post_self_attn_layernorm',
          beforeMlp: 'post_attention_layernorm',
          afterMlp: 'post_mlp_layernorm',
        },
      },
      linears: [
        ...attentionLinears(sizes, biases),
        linear('mlp.gate_up_proj', d, false, { gate: f, up: f }),
        linear('mlp.down_proj', f, false, { down: d }),
      ],
    };
  },
};
