import { basename, resolve } from 'node:path';
import type { RunRecord } from '../config/runRecord.ts';
import { runRecordFile } from '../config/runRecord.ts';
import { writeAdapter, type AdapterDtype, type PeftAdapter } from '../formats/peft.ts';
import { writeText } from '../formats/text.ts';
import type { Gpu } from '../gpu/device.ts';
import { modelCard } from '../hub/modelCard.ts';
import { mergeJob } from '../merge/mergeJob.ts';
import { adapterToPeft } from '../model/adapterFiles.ts';
import { FullParameters } from '../model/fullParameters.ts';
import type { ModelFiles } from '../model/openModel.ts';
import type { Trainable } from '../model/trainable.ts';
import { adapterOf, trainedModel } from '../model/trainedModel.ts';
import { nodeDirectory } from '../storage/nodeDirectory.ts';
import type { WritableFolder } from '../storage/types.ts';
import { describeAdapter } from '../train/startAdapter.ts';
import { writeProved } from './writeProved.ts';

/** Bytes of a file of weights, as `merge` has them by default. */
const SHARD_BYTES = 4096e6;

/** What a run is written with. */
export interface TrainedOutput {
  /** The folder, and its path. */
  out: WritableFolder;
  path: string;
  /** The adapter that training went on from, or null. */
  initial: PeftAdapter | null;
  /** Of an adapter's matrices. */
  dtype: AdapterDtype;
  run: RunRecord;
  /** metrics.jsonl */
  metrics: string;
}

/**
 * Writes what was trained with recipe, metrics, record and card: an adapter as a PEFT folder, or with method "full" the
 * whole model in the dtype of its base, read back and proved.
 */
export async function writeTrained(
  gpu: Gpu,
  base: ModelFiles,
  trained: Trainable,
  { out, path, initial, dtype, run, metrics }: TrainedOutput,
): Promise<void> {
  const { recipe } = run;
  const title = basename(resolve(path));
  const isModel = trained instanceof FullParameters;
  if (isModel) {
    const card = modelCard(title, 'merged', run);
    const job = mergeJob(base, null, { trained: trainedModel(trained), card });
    const { proof } = await writeProved(gpu, job, nodeDirectory(path), SHARD_BYTES);
    console.error(`${proof.tensors} tensors were written, read back and proved.`);
  } else {
    const about = describeAdapter(base.folder.name, recipe, initial);
    await writeAdapter(out, await adapterToPeft(adapterOf(trained), about), { dtype });
    await writeText(out, 'README.md', modelCard(title, 'adapter', run));
  }
  await writeText(out, 'recipe.json', `${JSON.stringify(recipe, null, 2)}\n`);
  await writeText(out, runRecordFile, `${JSON.stringify(run, null, 2)}\n`);
  await writeText(out, 'metrics.jsonl', metrics);
  console.error(`The ${isModel ? 'model' : 'adapter'} is in ${path}.`);
}
