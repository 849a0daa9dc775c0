import { openCheckpoint, type Checkpoint } from '../formats/checkpoint.ts';
import { readJsonObject } from '../formats/text.ts';
import type { Folder } from '../storage/types.ts';
import { checkCheckpoint } from './checkCheckpoint.ts';
import { parseConfig } from './config.ts';
import type { DecoderSpec } from './spec.ts';

/** A model folder whose config and headers were read and agree; no weight was read yet. */
export interface ModelFiles {
  folder: Folder;
  spec: DecoderSpec;
  checkpoint: Checkpoint;
}

/** Opens a Hugging Face model folder. Throws every named error of config.json, index, headers and shapes. */
export async function openModelFiles(folder: Folder): Promise<ModelFiles> {
  const spec = parseConfig(await readJsonObject(folder, 'config.json'));
  const checkpoint = await openCheckpoint(folder);
  checkCheckpoint(spec, checkpoint);
  return { folder, spec, checkpoint };
}
