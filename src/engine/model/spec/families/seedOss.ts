import type { Family } from './family.ts';

/** Seed-OSS: Llama with a bias on q, k and v, and switches for the others. */
export const seedOss: Family = {
  modelType: 'seed_oss',
  architecture: 'SeedOssForCausalLM',
  defaults: { kvHeads: 8, headDim: 128, maxPositions: 524_288 },
  biases: (config) => ({
    qkv: config.boolean('attention_bias', true),
    output: config.boolean('attention_out_bias', false),
    mlp: config.boolean('mlp_bias', false),
  }),
};
