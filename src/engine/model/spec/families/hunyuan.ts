import { innerRope, readRope } from '../ropeConfig.ts';
import type { RopeFrequencies } from '../../../kernels/ropeFrequencies.ts';
import type { ConfigReader } from '../configReader.ts';
import type { BaseSizes, Family } from './family.ts';
import { attentionBiases } from './llama.ts';
import { llamaNames } from './llamaLayout.ts';

/** Hunyuan, dense: norms on the heads of q and k after their rotation, and a base of RoPE raised by alpha. */
export const hunyuan: Family = {
  modelType: 'hunyuan_v1_dense',
  architecture: 'HunYuanDenseV1ForCausalLM',
  defaults: { normEps: 1e-5 },
  differences: (config, base) => {
    const rope = alphaRope(config, base);
    return { headNorm: { over: 'head', order: 'after' }, ropeOf: () => rope };
  },
  biases: attentionBiases,
  layout: () => ({
    names: {
      ...llamaNames,
      headNorms: { q: 'self_attn.query_layernorm', k: 'self_attn.key_layernorm' },
    },
  }),
};

/** The type "dynamic" with an `alpha` does not depend on the length. */
function alphaRope(config: ConfigReader, { rope, headDim }: BaseSizes): RopeFrequencies {
  const inner = innerRope(config);
  const type = inner?.string(inner.has('rope_type') ? 'rope_type' : 'type', 'default');
  const alpha = inner?.nonNegative('alpha', 0) ?? 0;
  const plain = readRope(config, rope);
  if (type !== 'dynamic' || alpha === 0) return plain;
  return { ...plain, scaling: { rope_type: 'ntk_alpha', alpha }, dims: headDim };
}
