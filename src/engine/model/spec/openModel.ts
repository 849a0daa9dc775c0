import { openCheckpoint, type Checkpoint } from '../../../content/formats/checkpoint.ts';
import { parseQuantization } from '../../../content/formats/quantized/quantizationConfig.ts';
import { describeStored } from '../../../content/formats/quantized/describeStored.ts';
import type { Quantization, StoredMatrix } from '../../../content/formats/quantized/types.ts';
import { readJsonObject } from '../../../content/formats/text.ts';
import { GraftError } from '../../../base/lib/errors.ts';
import { decodeFloats, encodeFloats } from '../../../base/lib/floats.ts';
import type { Folder } from '../../../base/storage/types.ts';
import { checkCheckpoint } from './checkCheckpoint.ts';
import { nameTensors } from './nameTensors.ts';
import { parseConfig } from './config.ts';
import { matricesOf, type DecoderSpec } from './spec.ts';
import { settleTies, type HeadComparison } from './tiedHead.ts';

/** A model folder whose config and headers have been read and agree; no weights are loaded. */
export interface ModelFiles {
  folder: Folder;
  spec: DecoderSpec;
  checkpoint: Checkpoint;
  /** How the checkpoint is quantized; null if it is not. */
  quantization: Quantization | null;
  /** How each matrix is stored, by module. */
  matrices: ReadonlyMap<string, StoredMatrix>;
}

/** Opens a Hugging Face model folder. Throws the errors of config.json, index, headers and shapes. */
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
 * Like `openModelFiles`, but from config.json and headers alone: enough to plan a run, not to load the model, since the
 * small tensors of quantized matrices are not read. A GPTQ group order that turns out to be trivial is still counted.
 * For a tied model that also stores its head, some rows of both are read.
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
  nameTensors(checkpoint, declaredSpec);
  const spec = await settleTies(declaredSpec, checkpoint, quantization, comparison);
  const matrices = checkCheckpoint(spec, checkpoint, quantization);
  return { folder, spec: withRoundedMultiplier(spec, matrices), checkpoint, quantization, matrices };
}

/**
 * Gemma's factor of embeddings is first rounded to their dtype, as transformers does in the dtype of the file:
 * √640 = 25.298 is 25.25 in bf16.
 */
function withRoundedMultiplier(spec: DecoderSpec, matrices: ReadonlyMap<string, StoredMatrix>): DecoderSpec {
  const stored = matrices.get(spec.names.embedding);
  if (!spec.roundsEmbeddingMultiplier || stored?.kind !== 'float') return spec;
  const exact = Float32Array.of(spec.embeddingMultiplier);
  const rounded = decodeFloats(encodeFloats(exact, stored.dtype), stored.dtype);
  return { ...spec, embeddingMultiplier: rounded[0]! };
}

/** Throws `formats.adapter_only` for a PEFT folder that holds no model. */
async function refuseAdapter(folder: Folder): Promise<void> {
  const names = await folder.list();
  const file = 'adapter_config.json';
  if (names.includes(file) && !names.includes('config.json')) {
    throw new GraftError('formats.adapter_only', { folder: folder.name, file });
  }
}
