import type { Family } from './family.ts';
import { attentionBiases } from './llama.ts';
import { postNormNames } from './llamaLayout.ts';

/** OLMo 2: norms after attention and MLP only, and on q and k over all heads at once. */
export const olmo2: Family = {
  modelType: 'olmo2',
  architecture: 'Olmo2ForCausalLM',
  defaults: { normEps: 1e-5 },
  differences: () => ({ headNorm: { over: 'heads', order: 'before' } }),
  biases: attentionBiases,
  layout: () => ({ names: postNormNames }),
};
