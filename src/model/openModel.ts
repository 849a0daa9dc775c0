import { openCheckpoint, type Checkpoint } from '../formats/checkpoint.ts';
import { parseQuantization } from '../formats/quantized/config.ts';
import { describeStored } from '../formats/quantized/describeStored.ts';
import type { Quantization, StoredMatrix } from '../formats/quantized/types.ts';
import { readJsonObject } from '../formats/text.ts';
import { GraftError } from '../lib/errors.ts';
import type { Folder } from '../storage/types.ts';
import { checkCheckpoint } from './checkCheckpoint.ts';
import { parseConfig } from './config.ts';
import { matricesOf, type DecoderSpec } from './spec.ts';
import { settleTies, type HeadComparison } from './tiedHead.ts';

/** A model folder whose config and headers were read and agree; no weight was read yet. */
export interface ModelFiles {
  folder: Folder;
  spec: DecoderSpec;
  checkpoint: Checkpoint;
  /** How the checkpoint is quantized; null where it is not. */
  quantization: Quantization | null;
  /** Where each matrix is stored, by module. */
  matrices: ReadonlyMap<string, StoredMatrix>;
}

/** Opens a Hugging Face model folder. Throws every named error of config.json, index, headers and shapes. */
export async function openModelFiles(folder: Folder): Promise<ModelFiles> {
  const headers = await openHeaders(folder, 'whole');
  const { spec, checkpoint, quantization } = headers;
  const matrices = new Map<string, StoredMatrix>();
  for (const { module, rows, cols } of matricesOf(spec)) {
    matrices.set(module, await describeStored(checkpoint, quantization, module, rows, cols));
  }
  return { ...headers, matrices };
}

/**
 * The same from config.json and headers alone: enough to plan a run, not to load the model, since what small tensors
 * say of quantized matrices is not read. A GPTQ order of groups that turns out to be none is still counted. Of a tied
 * model that stores its head as well, some rows of both are read.
 */
export function openModelHeaders(folder: Folder): Promise<ModelFiles> {
  return openHeaders(folder, 'samples');
}

async function openHeaders(folder: Folder, comparison: HeadComparison): Promise<ModelFiles> {
  await refuseAdapter(folder);
  const config = await readJsonObject(folder, 'config.json');
  const declaredSpec = parseConfig(config);
  const declared = config.quantization_config ?? null;
  const quantization = declared === null ? null : parseQuantization(declared);
  const checkpoint = await openCheckpoint(folder);
  const spec = await settleTies(declaredSpec, checkpoint, quantization, comparison);
  const matrices = checkCheckpoint(spec, checkpoint, quantization);
  return { folder, spec, checkpoint, quantization, matrices };
}

/** Throws `formats.adapter_only` for a folder of PEFT that is no model's. */
async function refuseAdapter(folder: Folder): Promise<void> {
  const names = await folder.list();
  const file = 'adapter_config.json';
  if (names.includes(file) && !names.includes('config.json')) {
    throw new GraftError('formats.adapter_only', { folder: folder.name, file });
  }
}
