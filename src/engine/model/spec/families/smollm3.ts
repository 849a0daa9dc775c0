import { layerTypes, windowsOf } from '../layerTypes.ts';
import { readRope } from '../ropeConfig.ts';
import type { Family } from './family.ts';
import { llama } from './llama.ts';

/** SmolLM3: Llama without RoPE in every fourth layer. */
export const smollm3: Family = {
  modelType: 'smollm3',
  architecture: 'SmolLM3ForCausalLM',
  layerTypes: 'always',
  defaults: { kvHeads: 4, maxPositions: 32768, tied: true, theta: 2_000_000 },
  differences: (config, { layers, rope }) => {
    const interval = config.integer('no_rope_layer_interval', 4);
    const listed = config.has('no_rope_layers') ? config.flags('no_rope_layers', layers) : null;
    const turns = (layer: number) => (listed ? listed[layer]! : (layer + 1) % interval !== 0);
    const slides = config.boolean('use_sliding_window', false) && config.has('sliding_window');
    const typeOf = layerTypes(config, layers, (layer) =>
      slides && !turns(layer) ? 'sliding_attention' : 'full_attention',
    );
    const shared = readRope(config, rope);
    return {
      ropeOf: (layer) => (turns(layer) ? shared : null),
      windowOf: windowsOf(config, layers, typeOf, null),
    };
  },
  biases: llama.biases!,
};
