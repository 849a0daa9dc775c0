import type { Vocabulary } from '../data/tokenizer.ts';
import type { ModelFiles } from '../model/openModel.ts';
import { lastPart, planSaved } from '../model/savedModules.ts';
import { headLinear, matricesOf, vectorsOf, type DecoderSpec } from '../model/spec.ts';
import type { ModelSummary } from './protocol.ts';

/** What the page tells of an open model. */
export async function summarize(
  name: string,
  { folder, spec, checkpoint, quantization }: ModelFiles,
  tokenizer: Vocabulary | null,
): Promise<ModelSummary> {
  const infos = [...checkpoint.tensors.values()].map(({ info }) => info);
  const files = await Promise.all(
    (await folder.list()).map(async (file) => ({ name: file, size: (await folder.open(file)).size })),
  );
  return {
    name,
    family: spec.family,
    parameters: parametersOf(spec),
    bytes: checkpoint.totalBytes,
    layers: spec.layers,
    hiddenSize: spec.hiddenSize,
    vocabSize: spec.vocabSize,
    maxPositions: spec.maxPositions,
    dtypes: [...new Set(infos.map(({ dtype }) => dtype))],
    tied: spec.tied,
    files,
    linearModules: [...new Set(spec.linears.map((linear) => linear.name))],
    headModule: headLinear(spec).name,
    savableModules: planSaved(spec, [spec.names.embedding, spec.names.head]).map(lastPart),
    hasTokenizer: tokenizer !== null,
    hasChatTemplate: tokenizer !== null && tokenizer.chatTemplate !== null,
    quantized: quantization?.method ?? null,
  };
}

/** How many numbers the model has, however few of them a quantized file holds as such. */
function parametersOf(spec: DecoderSpec): number {
  let count = 0;
  for (const { rows, cols } of matricesOf(spec)) count += rows * cols;
  for (const { length } of vectorsOf(spec)) count += length;
  return count;
}
