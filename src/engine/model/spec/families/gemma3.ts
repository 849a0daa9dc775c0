import { layerTypes, ropeByType, windowsOf } from '../layerTypes.ts';
import type { Family } from './family.ts';
import { fourNormNames, gemmaDefaults, gemmaDifferences } from './gemma.ts';
import { attentionBiases } from './llama.ts';

/** Gemma 3's text model: five sliding layers, then one that sees everything, each with a base of its own for RoPE. */
export const gemma3: Family = {
  modelType: 'gemma3_text',
  architecture: 'Gemma3ForCausalLM',
  layerTypes: 'always',
  defaults: { ...gemmaDefaults, maxPositions: 131_072 },
  differences: (config, base) => {
    const pattern = config.integer('sliding_window_pattern', 6);
    const typeOf = layerTypes(config, base.layers, (layer) =>
      (layer + 1) % pattern ? 'sliding_attention' : 'full_attention',
    );
    return {
      ...gemmaDifferences(config, base, 0),
      headNorm: { over: 'head', order: 'before' },
      windowOf: windowsOf(config, base.layers, typeOf, 4096),
      ropeOf: ropeByType(config, base.rope, typeOf, {
        full_attention: { key: 'rope_theta', theta: 1_000_000 },
        sliding_attention: { key: 'rope_local_base_freq', theta: 10_000 },
      }),
    };
  },
  biases: attentionBiases,
  layout: () => ({ names: fourNormNames }),
};
