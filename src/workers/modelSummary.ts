import { elementCount } from '../formats/dtypes.ts';
import type { Tokenizer } from '../data/tokenizer.ts';
import type { ModelFiles } from '../model/openModel.ts';
import { lastPart, planSaved } from '../model/savedModules.ts';
import type { ModelSummary } from './protocol.ts';

/** What the page tells of an open model. */
export async function summarize(
  name: string,
  { folder, spec, checkpoint, quantization }: ModelFiles,
  tokenizer: Tokenizer | null,
): Promise<ModelSummary> {
  const infos = [...checkpoint.tensors.values()].map(({ info }) => info);
  const files = await Promise.all(
    (await folder.list()).map(async (file) => ({ name: file, size: (await folder.open(file)).size })),
  );
  return {
    name,
    family: spec.family,
    parameters: infos.reduce((sum, { shape }) => sum + elementCount(shape), 0),
    bytes: checkpoint.totalBytes,
    layers: spec.layers,
    hiddenSize: spec.hiddenSize,
    vocabSize: spec.vocabSize,
    maxPositions: spec.maxPositions,
    dtypes: [...new Set(infos.map(({ dtype }) => dtype))],
    tied: spec.tied,
    files,
    linearModules: [...new Set(spec.linears.map((linear) => linear.name))],
    savableModules: planSaved(spec, [spec.names.embedding, spec.names.head]).map(lastPart),
    hasTokenizer: tokenizer !== null,
    hasChatTemplate: tokenizer !== null && tokenizer.chatTemplate !== null,
    quantized: quantization?.method ?? null,
  };
}
