import { layerTypes, ropeByType, windowsOf } from '../layerTypes.ts';
import type { Family } from './family.ts';
import { attentionBiases } from './llama.ts';
import { postNormNames } from './llamaLayout.ts';

/** OLMo 3: OLMo 2 with three sliding layers, then one that sees everything, and RoPE by layer type. */
export const olmo3: Family = {
  modelType: 'olmo3',
  architecture: 'Olmo3ForCausalLM',
  layerTypes: 'always',
  defaults: { normEps: 1e-5, theta: 500_000 },
  differences: (config, { layers, rope }) => {
    const typeOf = layerTypes(config, layers, (layer) =>
      (layer + 1) % 4 ? 'sliding_attention' : 'full_attention',
    );
    return {
      headNorm: { over: 'heads', order: 'before' },
      windowOf: windowsOf(config, layers, typeOf, 4096),
      // As in transformers, a base outside `rope_parameters` is that of full attention only.
      ropeOf: ropeByType(config, rope, typeOf, {
        full_attention: { key: 'rope_theta', theta: 500_000 },
        sliding_attention: { key: null, theta: 500_000 },
      }),
    };
  },
  biases: attentionBiases,
  layout: () => ({ names: postNormNames }),
};
