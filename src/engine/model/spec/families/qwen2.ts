import type { ConfigReader } from '../configReader.ts';
import { layerTypes } from '../layerTypes.ts';
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

/** Qwen's sliding window: only if enabled, in the layers given by `layer_types`, or from `max_window_layers` on. */
export function slidingLayers(
  config: ConfigReader,
  { layers }: { layers: number },
): Pick<DecoderSpec, 'windowOf'> {
  const first = config.natural('max_window_layers', 28);
  const typeOf = layerTypes(config, layers, (layer) =>
    layer >= first ? 'sliding_attention' : 'full_attention',
  );
  if (!config.boolean('use_sliding_window', false) || config.isNull('sliding_window')) {
    return { windowOf: () => 0 };
  }
  const window = config.integer('sliding_window', 4096);
  return { windowOf: (layer) => (typeOf(layer) === 'sliding_attention' ? window : 0) };
}
