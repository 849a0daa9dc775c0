import type { ConfigReader } from '../configReader.ts';
import type { ModuleNames } from '../spec.ts';
import type { Family } from './family.ts';
import { linear } from './llamaLayout.ts';

const names: ModuleNames = {
  embedding: 'transformer.wte',
  finalNorm: 'transformer.ln_f',
  head: 'lm_head',
  blocks: 'transformer.h',
  inputNorm: 'ln_1',
  postNorm: 'ln_2',
};

/**
 * The first Qwen (QWenLMHeadModel, modeling_qwen.py of Qwen/Qwen-7B): q, k and v in one layer with a bias, no bias
 * elsewhere, as many kv heads as heads, and w1(x) · silu(w2(x)) of half the intermediate size. Its stretching of
 * longer contexts (use_dynamic_ntk, use_logn_attn) sets in past `seq_length` alone, so that is where contexts end.
 */
export const qwen: Family = {
  modelType: 'qwen',
  architecture: 'QWenLMHeadModel',
  differences: (config) => {
    refuseUnknown(config);
    const heads = config.integer('num_attention_heads');
    return {
      kvHeads: heads,
      headDim: config.integer('kv_channels', config.integer('hidden_size') / heads),
      ffnSize: config.integer('intermediate_size') / 2,
      normEps: config.number('layer_norm_epsilon', 1e-6),
      maxPositions: config.integer('seq_length', config.integer('max_position_embeddings', 8192)),
      rope: { theta: config.number('rotary_emb_base', 10000), scaling: { rope_type: 'default' } },
    };
  },
  layout: ({ hiddenSize: d, ffnSize: f, heads, headDim }) => ({
    names,
    linears: [
      linear('attn.c_attn', d, 3 * heads * headDim, true, 'q', 'k', 'v'),
      linear('attn.c_proj', heads * headDim, d, false, 'o'),
      linear('mlp.w2', d, f, false, 'gate'),
      linear('mlp.w1', d, f, false, 'up'),
      linear('mlp.c_proj', f, d, false, 'down'),
    ],
  }),
};

function refuseUnknown(config: ConfigReader): void {
  if (!config.boolean('no_bias', true)) throw config.unsupported('no_bias', 'false');
  const rotated = config.number('rotary_pct', 1);
  if (rotated !== 1) throw config.unsupported('rotary_pct', String(rotated));
}
