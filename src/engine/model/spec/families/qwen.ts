import type { ConfigReader } from '../configReader.ts';
import type { ModuleNames } from '../spec.ts';
import type { Family } from './family.ts';
import { linear, llamaNames } from './llamaLayout.ts';

const names: ModuleNames = {
  ...llamaNames,
  embedding: 'transformer.wte',
  finalNorm: 'transformer.ln_f',
  blocks: 'transformer.h',
  norms: { ...llamaNames.norms, beforeAttention: 'ln_1', beforeMlp: 'ln_2' },
};

/**
 * The first Qwen (QWenLMHeadModel, modeling_qwen.py of Qwen/Qwen-7B): q, k and v in one layer with a bias, no other
 * biases, as many kv heads as heads, and w1(x) · silu(w2(x)) of half the intermediate size. Its context extension
 * (use_dynamic_ntk, use_logn_attn) applies only beyond `seq_length`, so contexts end there.
 */
export const qwen: Family = {
  modelType: 'qwen',
  architecture: 'QWenLMHeadModel',
  differences: (config, { heads, hiddenSize }) => {
    refuseUnknown(config);
    const headDim = config.integer('kv_channels', hiddenSize / heads);
    const theta = config.number('rotary_emb_base', 10000);
    const rope = { theta, scaling: { rope_type: 'default' as const }, dims: headDim };
    return {
      kvHeads: heads,
      headDim,
      ffnSize: config.integer('intermediate_size') / 2,
      normEps: config.number('layer_norm_epsilon', 1e-6),
      maxPositions: config.integer('seq_length', config.integer('max_position_embeddings', 8192)),
      ropeOf: () => rope,
    };
  },
  layout: ({ hiddenSize: d, ffnSize: f, heads, headDim }) => {
    const q = heads * headDim;
    return {
      names,
      linears: [
        linear('attn.c_attn', d, true, { q, k: q, v: q }),
        linear('attn.c_proj', q, false, { o: d }),
        linear('mlp.w2', d, false, { gate: f }),
        linear('mlp.w1', d, false, { up: f }),
        linear('mlp.c_proj', f, false, { down: d }),
      ],
    };
  },
};

function refuseUnknown(config: ConfigReader): void {
  if (!config.boolean('no_bias', true)) throw config.unsupported('no_bias', 'false');
  const rotated = config.number('rotary_pct', 1);
  if (rotated !== 1) throw config.unsupported('rotary_pct', String(rotated));
}
