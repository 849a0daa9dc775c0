import type { ConfigReader } from '../configReader.ts';
import type { DecoderSpec } from '../spec.ts';
import type { Family } from './family.ts';

/** Qwen1.5, Qwen2 and Qwen2.5: Llama with a bias on q, k and v. */
export const qwen2: Family = {
  modelType: 'qwen2',
  architecture: 'Qwen2ForCausalLM',
  differences: (config) => ({ qkvBias: true, ...slidingLayers(config) }),
};

/** Qwen's window: only when switched on, and only in layers from `max_window_layers`. */
export function slidingLayers(config: ConfigReader): Pick<DecoderSpec, 'windowOf'> {
  if (!config.boolean('use_sliding_window', false)) return { windowOf: () => 0 };
  const window = config.integer('sliding_window', 4096);
  const first = config.integer('max_window_layers', 28);
  return { windowOf: (layer) => (layer >= first ? window : 0) };
}
