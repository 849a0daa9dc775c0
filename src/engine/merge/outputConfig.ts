import type { FloatDtype } from '../../content/formats/dtypes.ts';
import { editJsonObject } from '../../content/formats/jsonEdit.ts';
import type { JsonValue } from '../../content/formats/pythonJson.ts';
import { quantizationConfigJson } from '../../content/formats/quantized/bnbWriter.ts';
import { torchDtypes } from '../../content/formats/quantized/quantState.ts';
import type { StoredMatrix } from '../../content/formats/quantized/types.ts';
import { readJsonObject, readText } from '../../content/formats/text.ts';
import type { ModelFiles } from '../model/spec/openModel.ts';
import type { MergeJob } from './mergeJob.ts';
import type { OutputTensor } from './outputTensor.ts';
import { isUntied } from './savedOutputs.ts';

/** Keys of config.json for the dtype of the weights, in transformers 4 and 5. */
const DTYPE_KEYS = ['torch_dtype', 'dtype'];

/**
 * The dtype in which a matrix is written: its own; the original one, if bitsandbytes recorded it; for GPTQ and AWQ that
 * of config.json, else that of the scales.
 */
export async function writtenDtype(base: ModelFiles): Promise<(stored: StoredMatrix) => FloatDtype> {
  const config = await readJsonObject(base.folder, 'config.json');
  const declared = DTYPE_KEYS.map((key) => dtypeNamed(config[key])).find((dtype) => dtype !== undefined);
  return (stored) => ('dtype' in stored ? (stored.dtype as FloatDtype) : (declared ?? stored.scaleDtype));
}

/**
 * The text of config.json if it differs from the base's: without a quantization that was undone, with the dtype that
 * replaces it or was chosen, with a quantization that was added, or with a head that is no longer the embedding. Null leaves the file
 * unchanged.
 */
export async function outputConfig(job: MergeJob, tensors: readonly OutputTensor[]): Promise<string | null> {
  const { base, quantize, floats } = job;
  const text = await readText(base.folder, 'config.json');
  const config = JSON.parse(text) as Record<string, unknown>;
  // A base may claim a tie that its own head breaks: the written config is accurate.
  const untied = isUntied(job) || (!base.spec.tied && config.tie_word_embeddings === true);
  if (base.quantization === null && !quantize && !untied && !floats) return null;
  const format = tensors.find(({ matrix }) => matrix !== null)?.matrix?.format ?? 'f32';
  const dtype = floats ?? (format.toUpperCase() as FloatDtype);
  const changes: Record<string, JsonValue | undefined> = { quantization_config: undefined };
  if (base.quantization !== null || floats) {
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
