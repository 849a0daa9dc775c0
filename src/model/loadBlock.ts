import type { Tensor } from '../gpu/tensor.ts';
import type { Weight } from '../kernels/weight.ts';
import type { ModelFiles } from './openModel.ts';
import { groupsOf, type GroupName, type SiblingGroup } from './siblings.ts';
import { HEAD_NORMS, modulePath, type DecoderSpec } from './spec.ts';
import { loadVocabulary } from './vocabulary.ts';
import type { WeightLoader } from './weightLoader.ts';
import type { BlockWeights, GroupWeights } from './weights.ts';

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
  const loaded: [GroupName, GroupWeights][] = [];
  for (const [name, group] of Object.entries(groupsOf(spec)) as [GroupName, SiblingGroup][]) {
    const modules = group.linears.map(({ path }) => modulePath(spec, layer, path));
    const matrices = group.linears.map(({ inFeatures: cols, outFeatures: rows }, i) => {
      return { module: modules[i]!, rows, cols, linear: true };
    });
    const weights = await loader.siblings(matrices);
    const parts = weights.map((weight, i) => ({ weight, start: group.starts[i]! }));
    const bias = await loader.biases(matrices.map(({ module, rows }) => ({ name: `${module}.bias`, rows })));
    loaded.push([name, { parts, bias }]);
  }
  const groups = Object.fromEntries(loaded) as Record<GroupName, GroupWeights>;
  return { inputNorm, postNorm, qNorm, kNorm, groups };
}
