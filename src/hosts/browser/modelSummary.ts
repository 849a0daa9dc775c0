import { ggufSummaryOf } from '../../content/formats/gguf/ggufFolder.ts';
import type { Vocabulary } from '../../content/data/tokenizer/vocabulary.ts';
import type { ModelFiles } from '../../engine/model/spec/openModel.ts';
import { canAdapt } from '../../engine/model/trained/loraModules.ts';
import { lastPart, planSaved } from '../../engine/model/trained/savedModules.ts';
import { headLinear, matricesOf, smallTensorsOf, type DecoderSpec } from '../../engine/model/spec/spec.ts';
import type { ModelSummary } from './protocol.ts';

/** An open model as the page shows it. */
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
    linearModules: [
      ...new Set(spec.linears.filter((linear) => canAdapt(spec, linear)).map(({ name }) => name)),
    ],
    headModule: headLinear(spec).name,
    savableModules: planSaved(spec, [spec.names.embedding, spec.names.head]).map(lastPart),
    hasTokenizer: tokenizer !== null,
    hasChatTemplate: tokenizer !== null && tokenizer.chatTemplate !== null,
    quantized: quantization?.method ?? null,
    gguf: ggufSummaryOf(folder),
  };
}

/** Parameters of the model, also where a quantized file packs several into one number. */
function parametersOf(spec: DecoderSpec): number {
  let count = 0;
  for (const { rows, cols } of matricesOf(spec)) count += rows * cols;
  for (const { shape } of smallTensorsOf(spec)) count += shape.reduce((product, n) => product * n, 1);
  return count;
}
