import type { FloatDtype } from '../formats/dtypes.ts';
import { editJsonObject } from '../formats/jsonEdit.ts';
import type { JsonValue } from '../formats/pythonJson.ts';
import { quantizationConfigJson } from '../formats/quantized/bnbWriter.ts';
import { torchDtypes } from '../formats/quantized/quantState.ts';
import type { StoredMatrix } from '../formats/quantized/types.ts';
import { readJsonObject, readText } from '../formats/text.ts';
import type { ModelFiles } from '../model/openModel.ts';
import type { MergeJob } from './mergeJob.ts';
import type { OutputTensor } from './outputTensor.ts';
import { isUntied } from './savedOutputs.ts';

/** Keys of config.json for the dtype of the weights: transformers 4's and 5's. */
const DTYPE_KEYS = ['torch_dtype', 'dtype'];

/**
 * The dtype in which a matrix is written: its own; what it had before, where bitsandbytes says so; for GPTQ and AWQ
 * what config.json says of the model, else that of the scales.
 */
export async function writtenDtype(base: ModelFiles): Promise<(stored: StoredMatrix) => FloatDtype> {
  const config = await readJsonObject(base.folder, 'config.json');
  const declared = DTYPE_KEYS.map((key) => dtypeNamed(config[key])).find((dtype) => dtype !== undefined);
  return (stored) => ('dtype' in stored ? (stored.dtype as FloatDtype) : (declared ?? stored.scaleDtype));
}

/**
 * The text of config.json where it differs from the base's: without the quantization that was undone, with the dtype
 * that was written in its place, with the quantization that was added, or with a head that is no longer the embedding.
 * Null leaves the file as it is.
 */
export async function outputConfig(job: MergeJob, tensors: readonly OutputTensor[]): Promise<string | null> {
  const { base, quantize } = job;
  const text = await readText(base.folder, 'config.json');
  const config = JSON.parse(text) as Record<string, unknown>;
  // A base may claim a tie that its own head breaks: what is written says what it is.
  const untied = isUntied(job) || (!base.spec.tied && config.tie_word_embeddings === true);
  if (base.quantization === null && !quantize && !untied) return null;
  const format = tensors.find(({ matrix }) => matrix !== null)?.matrix?.format ?? 'f32';
  const dtype = format.toUpperCase() as FloatDtype;
  const changes: Record<string, JsonValue | undefined> = { quantization_config: undefined };
  if (base.quantization !== null) {
    const present = DTYPE_KEYS.filter((key) => key in config);
    for (const key of present.length > 0 ? present : ['torch_dtype']) changes[key] = torchDtypes[dtype];
  }
  if (untied) changes.tie_word_embeddings = false;
  if (quantize) {
    changes.quantization_config = quantizationConfigJson({
      nested: quantize.doubleQuant,
      computeDtype: dtype,
      skip: [base.spec.names.head],
    });
  }
  return editJsonObject(text, changes);
}

function dtypeNamed(name: unknown): FloatDtype | undefined {
  return (Object.keys(torchDtypes) as FloatDtype[]).find((dtype) => torchDtypes[dtype] === name);
}
