import { runRecordFile } from '../base/config/runRecord.ts';
import type { WritableFolder } from '../base/storage/types.ts';
import type { EndToken } from '../content/data/labels/turnEnd.ts';
import { writeAdapter, type AdapterDtype } from '../content/formats/peft.ts';
import { writeText } from '../content/formats/text.ts';
import { modelCard } from '../content/hub/modelCard.ts';
import { usageFacts } from './usageFacts.ts';
import { generationFile, planEnds, type PlannedEnds } from '../engine/merge/outputEnds.ts';
import type { ModelFiles } from '../engine/model/spec/openModel.ts';
import type { TrainedResult } from './trainedResult.ts';

interface AdapterFolderOptions {
  title: string;
  dtype?: AdapterDtype;
  ends?: readonly EndToken[];
  repo?: string | null;
}

/**
 * Writes an adapter as a PEFT folder: with a generation_config.json where the base's lacks an end, and where it was trained
 * here with a model card, recipe.json, training.json (the record of the run) and metrics.jsonl.
 * @param title of the card; by it the card's commands call the folder
 * @param repo that it is pushed to
 * @param dtype of its matrices; I8 is read by Graft alone
 * @param ends tokens that training taught to end answers with
 * @returns the ends, those that were added first. Throws `train.full_no_adapter`, and what writing throws.
 */
export async function writeAdapterFolder(
  out: WritableFolder,
  base: ModelFiles,
  result: TrainedResult,
  { title, dtype = 'F32', ends = [], repo = null }: AdapterFolderOptions,
): Promise<PlannedEnds> {
  const planned = await planEnds(base.folder, ends);
  const adapter = await result.toPeft();
  await writeAdapter(out, adapter, { dtype });
  if (planned.text !== null) await writeText(out, generationFile, planned.text);
  const { record } = result;
  if (record) {
    const facts = await usageFacts(base, adapter, planned, { name: title, repo });
    // Other programs do not read its 8 bits.
    const usage = dtype === 'F32' ? { facts, quantized: false } : null;
    await writeText(out, 'README.md', modelCard(title, 'adapter', record, planned, usage));
  }
  await writeTrainingFiles(out, result);
  return planned;
}

/** Writes recipe.json, training.json and metrics.jsonl beside what a run has trained. */
export async function writeTrainingFiles(out: WritableFolder, { training }: TrainedResult): Promise<void> {
  if (!training) return;
  const record = training.record();
  await writeText(out, 'recipe.json', `${JSON.stringify(record.recipe, null, 2)}\n`);
  await writeText(out, runRecordFile, `${JSON.stringify(record, null, 2)}\n`);
  await writeText(out, 'metrics.jsonl', training.metrics());
}
