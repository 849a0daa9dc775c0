import { readExperts } from '../experts.ts';
import { expertLinears } from './expertLayout.ts';
import type { Family } from './family.ts';
import { attentionBiases } from './llama.ts';
import { llamaLinears } from './llamaLayout.ts';
import { windowOfAll } from './mistral.ts';

/** Qwen3 with a mixture of experts in place of the MLP, in all layers or some. */
export const qwen3Moe: Family = {
  modelType: 'qwen3_moe',
  architecture: 'Qwen3MoeForCausalLM',
  ffnKey: ['intermediate_size', 6144],
  defaults: { kvHeads: 4, maxPositions: 32768 },
  differences: (config) => {
    const key = config.has('num_experts') ? 'num_experts' : 'num_local_experts';
    const experts = readExperts(config, {
      ...{ key, count: 128, top: 8, width: ['moe_intermediate_size', 768] },
      amongChosen: config.boolean('norm_topk_prob', false),
      ...{ router: 'mlp.gate', module: 'mlp.experts', stacked: null, wereLinear: true },
    });
    const step = config.integer('decoder_sparse_step', 1);
    const dense = new Set(config.naturals('mlp_only_layers'));
    const slides = config.boolean('use_sliding_window', false);
    return {
      headNorm: { over: 'head', order: 'before' },
      experts,
      feedForwardOf: (layer) =>
        experts && !dense.has(layer) && (layer + 1) % step === 0 ? 'experts' : 'dense',
      ...(slides && windowOfAll(config, 4096)),
    };
  },
  biases: attentionBiases,
  // Where a layer has no experts, it has Llama's MLP.
  layout: (spec, biases) => ({ linears: [...llamaLinears(spec, biases), ...expertLinears(spec)] }),
};
