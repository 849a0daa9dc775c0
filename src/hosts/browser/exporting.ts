import { withHandleFolder } from '../../base/storage/handleLock.ts';
import { MemoryFolder } from '../../base/storage/memoryFolder.ts';
import type { EndToken } from '../../content/data/labels/turnEnd.ts';
import type { AdapterDtype } from '../../content/formats/peft.ts';
import { parseShardSize } from '../../content/formats/sharding.ts';
import type { MergeFolder } from '../../engine/merge/mergeFolder.ts';
import { zipBlob } from '../../engine/merge/zipBlob.ts';
import type { Session } from '../../session/session.ts';
import { writeAdapterFolder } from '../../session/trainedFiles.ts';
import { mergeStaging } from './mergeStaging.ts';
import type { MergeOutcome, MergeRequest, MergeTarget, NamedBlob, Phase, Progress } from './protocol.ts';

/** What a merged model is called: its folder, its zip, its card. */
export const mergedName = (session: Pick<Session, 'model'>): string => `${session.model.name}-merged`;

/** The files of the result's PEFT folder. They are small: memory will do. */
export async function adapterFiles(
  session: Session,
  title: string,
  dtype: AdapterDtype,
  ends: readonly EndToken[],
  repo: string | null = null,
): Promise<NamedBlob[]> {
  const folder = new MemoryFolder(title);
  await session.alone(() =>
    writeAdapterFolder(folder, session.model.files, session.trained, { title, dtype, ends, repo }),
  );
  return [...folder.files].map(([name, bytes]) => ({ name, blob: new Blob([bytes]) }));
}

/** Files as a zip; those without a checksum get one as they are read. */
export async function zipFile(
  name: string,
  files: readonly (NamedBlob & { crc?: number | null })[],
): Promise<File> {
  const entries = files.map((file) => ({ ...file, crc: file.crc ?? null }));
  return new File([await zipBlob(entries, name)], `${name}.zip`, { type: 'application/zip' });
}

/**
 * Merges into a folder the user chose, into a zip, or into files for a push. The last two are staged in the origin private
 * file system, where they are read back and proved before they are offered; the zip is those files with what stands between
 * them, readable until this tab's next merge. A merge that was cut off continues.
 */
export async function mergeTo(
  session: Session,
  target: MergeTarget,
  { maxShardSize, ...settings }: MergeRequest,
  onProgress: (p: Progress) => void,
  signal: AbortSignal,
): Promise<MergeOutcome> {
  const title = mergedName(session);
  const repo = target.kind === 'files' ? target.repo : null;
  // A folder of the user's has a name of its own.
  const name = target.kind === 'directory' ? target.handle.name : title;
  const report = (phase: Phase) => (done: number, total: number) =>
    onProgress({ phase, done, total, unit: 'bytes' });
  const mergeInto = async (out: MergeFolder, crc: boolean) => {
    const { files, proof, alreadyFinished } = await session.merge(
      out,
      { ...settings, title: name, repo },
      {
        maxShardBytes: parseShardSize(maxShardSize),
        signal,
        crc,
        onProgress: report('merging'),
        onProving: report('proving'),
      },
    );
    return { files, proof, alreadyFinished, losses: await session.mergeLosses(), zip: null, staged: null };
  };
  if (target.kind === 'directory')
    return withHandleFolder(target.handle, (folder) => mergeInto(folder, false));
  const staging = await mergeStaging();
  const merged = await mergeInto(staging.directory, true);
  const staged = await Promise.all(
    merged.files.map(async ({ name, crc }) => ({ name, crc, blob: await staging.file(name) })),
  );
  return target.kind === 'files' ? { ...merged, staged } : { ...merged, zip: await zipFile(title, staged) };
}
