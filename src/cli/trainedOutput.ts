import { basename, resolve } from 'node:path';
import type { RunRecord } from '../config/runRecord.ts';
import { runRecordFile } from '../config/runRecord.ts';
import type { EndToken } from '../data/turnEnd.ts';
import { writeAdapter, type AdapterDtype, type PeftAdapter } from '../formats/peft.ts';
import { writeText } from '../formats/text.ts';
import type { Gpu } from '../gpu/device.ts';
import { modelCard } from '../hub/modelCard.ts';
import { mergeJob } from '../merge/mergeJob.ts';
import { generationFile, planEnds, type PlannedEnds } from '../merge/outputEnds.ts';
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
  /** The tokens that training taught to end answers with. */
  ends: readonly EndToken[];
}

/**
 * Writes what was trained with recipe, metrics, record and card: an adapter as a PEFT folder, or with method "full" the
 * whole model in the dtype of its base, read back and proved.
 */
export async function writeTrained(
  gpu: Gpu,
  base: ModelFiles,
  trained: Trainable,
  { out, path, initial, dtype, run, metrics, ends }: TrainedOutput,
): Promise<void> {
  const { recipe } = run;
  const title = basename(resolve(path));
  const isModel = trained instanceof FullParameters;
  const planned = await planEnds(base.folder, ends);
  if (isModel) {
    const card = modelCard(title, 'merged', run, planned);
    const job = mergeJob(base, null, { trained: trainedModel(trained), card, ends });
    const { proof } = await writeProved(gpu, job, nodeDirectory(path), SHARD_BYTES);
    console.error(`${proof.tensors} tensors were written, read back and proved.`);
  } else {
    const about = describeAdapter(base.folder.name, recipe, initial);
    await writeAdapter(out, await adapterToPeft(adapterOf(trained), about), { dtype });
    if (planned.text !== null) await writeText(out, generationFile, planned.text);
    await writeText(out, 'README.md', modelCard(title, 'adapter', run, planned));
  }
  const note = endsNote(planned);
  if (note) console.error(note);
  await writeText(out, 'recipe.json', `${JSON.stringify(recipe, null, 2)}\n`);
  await writeText(out, runRecordFile, `${JSON.stringify(run, null, 2)}\n`);
  await writeText(out, 'metrics.jsonl', metrics);
  console.error(`The ${isModel ? 'model' : 'adapter'} is in ${path}.`);
}

/** What is said of ends that generation_config.json did not name before; null where there are none. */
export function endsNote({ added }: PlannedEnds): string | null {
  if (added.length === 0) return null;
  const names = added.map(({ id, token }) => `${token} (${id})`).join(', ');
  return `Answers end with ${names}, which the base’s generation_config.json does not name: ${generationFile} here does.`;
}
