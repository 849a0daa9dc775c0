import type { Tensor } from '../gpu/tensor.ts';
import type { Weight } from '../kernels/weight.ts';
import { linearsOf, modulePath, type DecoderSpec } from './spec.ts';
import type { WeightLoader } from './weightLoader.ts';
import type { BlockWeights, LinearWeights } from './weights.ts';

/** What stands before the first block and after the last. */
export interface Ends {
  embedding: Weight;
  finalNorm: Tensor;
  head: Weight;
}

/** Loads embedding, final norm and head; a tied head is the embedding itself. */
export async function loadEnds(loader: WeightLoader, spec: DecoderSpec): Promise<Ends> {
  const embedding = await loader.matrix('model.embed_tokens.weight', spec.vocabSize, spec.hiddenSize);
  const finalNorm = await loader.vector('model.norm.weight', spec.hiddenSize);
  const head = spec.tied ? embedding : await loader.matrix('lm_head.weight', spec.vocabSize, spec.hiddenSize);
  return { embedding, finalNorm, head };
}

/** Loads the weights of one block. */
export async function loadBlock(
  loader: WeightLoader,
  spec: DecoderSpec,
  layer: number,
): Promise<BlockWeights> {
  const vector = (path: string, length: number) => loader.vector(modulePath(layer, path), length);
  const inputNorm = await vector('input_layernorm.weight', spec.hiddenSize);
  const postNorm = await vector('post_attention_layernorm.weight', spec.hiddenSize);
  const qNorm = spec.qkNorm ? await vector('self_attn.q_norm.weight', spec.headDim) : null;
  const kNorm = spec.qkNorm ? await vector('self_attn.k_norm.weight', spec.headDim) : null;
  const linears: Partial<BlockWeights['linears']> = {};
  for (const { name, path, inFeatures, outFeatures, bias } of linearsOf(spec)) {
    const linear: LinearWeights = {
      weight: await loader.matrix(modulePath(layer, `${path}.weight`), outFeatures, inFeatures),
      bias: bias ? await vector(`${path}.bias`, outFeatures) : null,
    };
    linears[name] = linear;
  }
  return { inputNorm, postNorm, qNorm, kNorm, linears: linears as BlockWeights['linears'] };
}
