import type { ConfigReader } from '../configReader.ts';
import type { DecoderSpec, ModuleNames } from '../spec.ts';
import { llamaNames } from './llamaLayout.ts';
import type { BaseSizes, Defaults } from './family.ts';

/** Defaults of Gemma 2 and 3. */
export const gemmaDefaults: Partial<Defaults> = {
  kvHeads: 4,
  headDim: 256,
  tied: true,
  activation: ['hidden_activation', 'gelu_pytorch_tanh'],
};

/** Names of families with norms before and after attention and MLP. */
export const fourNormNames: ModuleNames = {
  ...llamaNames,
  norms: {
    beforeAttention: 'input_layernorm',
    afterAttention: 'post_attention_layernorm',
    beforeMlp: 'pre_feedforward_layernorm',
    afterMlp: 'post_feedforward_layernorm',
  },
};

/**
 * What Gemma 2 and 3 share: norms of 1 + weight, embeddings times the root of their size (rounded to their dtype), a
 * scale of attention of its own, and a cap on logits.
 * @param logitCap where the key is absent; null in the config is none
 */
export function gemmaDifferences(
  config: ConfigReader,
  { hiddenSize }: BaseSizes,
  logitCap: number,
): Partial<DecoderSpec> {
  if (config.boolean('use_bidirectional_attention', false)) {
    throw config.unsupported('use_bidirectional_attention', 'true');
  }
  return {
    normOffset: 1,
    embeddingMultiplier: Math.sqrt(hiddenSize),
    roundsEmbeddingMultiplier: true,
    attentionScale: config.number('query_pre_attn_scalar', 256) ** -0.5,
    logits: { multiplier: 1, cap: capOf(config, 'final_logit_softcapping', logitCap) },
  };
}

/** A soft cap: 0 for null, or if it is absent without a default. */
export function capOf(config: ConfigReader, key: string, fallback: number): number {
  if (config.isNull(key) || (fallback === 0 && !config.has(key))) return 0;
  return config.number(key, fallback);
}
