import type { ConfigReader } from '../configReader.ts';
import type { DecoderSpec } from '../spec.ts';
import type { Family } from './family.ts';
import { llama } from './llama.ts';

/** Granite 3: Llama with multipliers for embeddings, attention, what blocks add, and logits. */
export const granite: Family = {
  modelType: 'granite',
  architecture: 'GraniteForCausalLM',
  differences: multipliers,
  biases: llama.biases!,
};

/** Granite's four multipliers; logits are divided by theirs. */
export function multipliers(config: ConfigReader): Partial<DecoderSpec> {
  return {
    embeddingMultiplier: config.number('embedding_multiplier', 1),
    residualMultiplier: config.number('residual_multiplier', 1),
    attentionScale: config.number('attention_multiplier', 1),
    logits: { multiplier: 1 / config.number('logits_scaling', 1), cap: 0 },
  };
}
