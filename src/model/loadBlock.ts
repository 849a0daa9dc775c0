import type { Tensor } from '../gpu/tensor.ts';
import type { Weight } from '../kernels/weight.ts';
import type { ModelFiles } from './openModel.ts';
import { HEAD_NORMS, modulePath, type DecoderSpec } from './spec.ts';
import { loadVocabulary } from './vocabulary.ts';
import type { WeightLoader } from './weightLoader.ts';
import type { BlockWeights, LinearWeights } from './weights.ts';

/** What stands before the first block and after the last. */
export interface Ends {
  embedding: Weight;
  finalNorm: Tensor;
  head: Weight;
}

/** Loads embedding, final norm and head; a tied head is the embedding itself. */
export async function loadEnds(loader: WeightLoader, files: ModelFiles, maxBinding: number): Promise<Ends> {
  const { spec } = files;
  const embedding = await loadVocabulary(loader, files, 'embedding', maxBinding);
  const finalNorm = await loadFinalNorm(loader, spec);
  const head = spec.tied ? embedding : await loadVocabulary(loader, files, 'head', maxBinding);
  return { embedding, finalNorm, head };
}

/** Loads the norm before the head. */
export function loadFinalNorm(loader: WeightLoader, { names, hiddenSize }: DecoderSpec): Promise<Tensor> {
  return loader.vector(`${names.finalNorm}.weight`, hiddenSize);
}

/** Loads the weights of one block. */
export async function loadBlock(
  loader: WeightLoader,
  spec: DecoderSpec,
  layer: number,
): Promise<BlockWeights> {
  const { names, hiddenSize, headDim, qkNorm } = spec;
  const norm = (path: string, length: number) =>
    loader.vector(`${modulePath(spec, layer, path)}.weight`, length);
  const inputNorm = await norm(names.inputNorm, hiddenSize);
  const postNorm = await norm(names.postNorm, hiddenSize);
  const qNorm = qkNorm ? await norm(HEAD_NORMS.q, headDim) : null;
  const kNorm = qkNorm ? await norm(HEAD_NORMS.k, headDim) : null;
  const linears = new Map<string, LinearWeights>();
  for (const { path, inFeatures: cols, outFeatures: rows } of spec.linears) {
    const module = modulePath(spec, layer, path);
    const weight = await loader.matrix({ module, rows, cols, linear: true });
    linears.set(path, { weight, bias: await loader.vectorIfStored(`${module}.bias`, rows) });
  }
  return { inputNorm, postNorm, qNorm, kNorm, linears };
}
