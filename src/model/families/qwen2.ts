import type { ConfigReader } from '../configReader.ts';
import type { DecoderSpec } from '../spec.ts';
import type { Family } from './family.ts';
import { noBias } from './llamaLayout.ts';

/** Qwen1.5, Qwen2 and Qwen2.5: Llama with a bias on q, k and v. */
export const qwen2: Family = {
  modelType: 'qwen2',
  architecture: 'Qwen2ForCausalLM',
  layerTypes: 'always',
  defaults: { kvHeads: 32, maxPositions: 32768 },
  differences: slidingLayers,
  biases: () => ({ ...noBias, qkv: true }),
};

/** Qwen's window: only when switched on, in the layers `layer_types` says or from `max_window_layers` on. */
export function slidingLayers(config: ConfigReader): Pick<DecoderSpec, 'windowOf'> {
  if (!config.boolean('use_sliding_window', false) || config.isNull('sliding_window')) {
    return { windowOf: () => 0 };
  }
  const window = config.integer('sliding_window', 4096);
  const first = config.natural('max_window_layers', 28);
  const types = config.strings('layer_types');
  const slides = (layer: number) =>
    types.length > 0 ? types[layer] === 'sliding_attention' : layer >= first;
  return { windowOf: (layer) => (slides(layer) ? window : 0) };
}
