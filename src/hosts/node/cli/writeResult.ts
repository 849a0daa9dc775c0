import { basename, resolve } from 'node:path';
import type { EndToken } from '../../../content/data/labels/turnEnd.ts';
import type { AdapterDtype } from '../../../content/formats/peft.ts';
import type { MergeFolder } from '../../../engine/merge/mergeFolder.ts';
import { generationFile, planEnds, type PlannedEnds } from '../../../engine/merge/outputEnds.ts';
import type { Session } from '../../../session/session.ts';
import { writeAdapterFolder, writeTrainingFiles } from '../../../session/trainedFiles.ts';
import { finishedText, mergeReports } from './writeProved.ts';
import { log } from './terminal.ts';

/** Bytes of a file of weights, as `merge` has them by default. */
const SHARD_BYTES = 4096e6;

/**
 * Writes what a session has trained into a folder: an adapter, or with method "full" the whole model in the dtype of its
 * base, read back and proved.
 */
export async function writeResult(
  session: Session,
  out: MergeFolder,
  { path, dtype, ends }: { path: string; dtype: AdapterDtype; ends: readonly EndToken[] },
): Promise<void> {
  const title = basename(resolve(path));
  const { files } = session.model;
  const isModel = session.trained.trained.kind === 'model';
  if (isModel) {
    const settings = { onto: 'original', quantize: null, title, ends } as const;
    const { proof, alreadyFinished } = await session.merge(out, settings, {
      maxShardBytes: SHARD_BYTES,
      ...mergeReports,
    });
    if (alreadyFinished) log(finishedText);
    log(`${proof.tensors} tensors were read back and proved.`);
    await writeTrainingFiles(out, session.trained);
  } else {
    await writeAdapterFolder(out, files, session.trained, { title, dtype, ends });
  }
  const note = endsNote(await planEnds(files.folder, ends));
  if (note) log(note);
  log(`The ${isModel ? 'model' : 'adapter'} is in ${path}.`);
}

/** What is said of ends that generation_config.json did not name before; null where there are none. */
function endsNote({ added }: PlannedEnds): string | null {
  if (added.length === 0) return null;
  const names = added.map(({ id, token }) => `${token} (${id})`).join(', ');
  return `Answers end with ${names}, which the base’s generation_config.json does not name: ${generationFile} here does.`;
}
