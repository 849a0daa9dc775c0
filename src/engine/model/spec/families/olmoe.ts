import { readExperts } from '../experts.ts';
import { expertLinears } from './expertLayout.ts';
import type { Family } from './family.ts';
import { attentionBiases } from './llama.ts';
import { attentionLinears } from './llamaLayout.ts';

/** OLMoE: experts in every layer, and norms on q and k over all heads at once. */
export const olmoe: Family = {
  modelType: 'olmoe',
  architecture: 'OlmoeForCausalLM',
  ffnKey: ['intermediate_size', 2048],
  defaults: { maxPositions: 4096, normEps: 1e-5 },
  differences: (config) => {
    if (config.has('clip_qkv')) throw config.unsupported('clip_qkv', String(config.number('clip_qkv')));
    const experts = readExperts(config, {
      ...{ key: 'num_experts', count: 64, top: 8, width: ['intermediate_size', 2048] },
      amongChosen: config.boolean('norm_topk_prob', false),
      ...{ router: 'mlp.gate', module: 'mlp.experts', stacked: null, wereLinear: true },
    });
    return { headNorm: { over: 'heads', order: 'before' }, experts, feedForwardOf: () => 'experts' };
  },
  biases: attentionBiases,
  layout: (spec, biases) => ({ linears: [...attentionLinears(spec, biases), ...expertLinears(spec)] }),
};
