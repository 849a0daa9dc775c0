import { ConfigReader } from '../configReader.ts';
import { innerRope, readRope } from '../ropeConfig.ts';
import type { Family } from './family.ts';
import { windowOfAll } from './mistral.ts';

/** transformers' `rope_parameters` where the config has none. */
const DEFAULT_ROPE = {
  rope_type: 'yarn',
  rope_theta: 1_000_000,
  factor: 16,
  original_max_position_embeddings: 16_384,
  beta_fast: 32,
  beta_slow: 1,
  mscale_all_dim: 1,
  mscale: 1,
  llama_4_scaling_beta: 0.1,
};

/** Ministral 3: Mistral with YaRN, and queries that grow beyond the original context. */
export const ministral3: Family = {
  modelType: 'ministral3',
  architecture: 'Ministral3ForCausalLM',
  layerTypes: 'declared',
  defaults: { kvHeads: 8, headDim: 128, maxPositions: 262_144, normEps: 1e-5 },
  differences: (config, { rope: owner }) => {
    const inner = innerRope(config) ?? new ConfigReader(DEFAULT_ROPE, 'rope_parameters.');
    const rope = readRope(config, owner, inner);
    const key = 'original_max_position_embeddings';
    const source = config.present(key) ? config : inner;
    const context = source.integer(key, owner.maxPositions);
    const beta = inner.nonNegative('llama_4_scaling_beta');
    return {
      ropeOf: () => rope,
      rotation: { interleaved: false, reversed: false, queryScale: { beta, context } },
      ...windowOfAll(config, 0),
    };
  },
};
