import { GraftError } from '../../base/lib/errors.ts';
import { fileNameOf } from '../../base/lib/fileName.ts';
import { blobSource } from '../../base/storage/byteSource.ts';
import type { JobSink, JobSource } from '../../content/job/jobFolder.ts';
import { nameOf } from '../../content/intake/items.ts';
import type { RunStore } from '../../content/runs/runStore.ts';
import type { Session } from '../../session/session.ts';
import { zipFile } from './exporting.ts';
import { jobFiles } from './jobFiles.ts';
import type { NamedBlob } from './protocol.ts';

/** A stored run as a zip of its job; its files stay with the browser, which may keep them on disk. */
export async function zippedJob(session: Session, runs: RunStore, id: string): Promise<File> {
  const files: NamedBlob[] = [];
  const sink: JobSink = {
    async create(name) {
      const pieces: Uint8Array<ArrayBuffer>[] = [];
      return {
        write: async (bytes) => void pieces.push(bytes),
        close: async () => void files.push({ name, blob: new Blob(pieces) }),
        abort: async () => undefined,
      };
    },
  };
  const { name } = await session.exportJob(runs, id, sink, { files: jobFiles });
  return zipFile(`${fileNameOf(name) || 'run'}-job`, files);
}

/** A job's folder whose files were dropped. @param files by their paths in the folder */
export function droppedJob(name: string, files: readonly { path: string; file: File }[]): JobSource {
  const byPath = new Map(files.map(({ path, file }) => [path, file]));
  return {
    name,
    paths: async () => [...byPath.keys()],
    async open(path) {
      const file = byPath.get(path);
      if (!file) throw new GraftError('storage.not_found', { file: path, folder: name });
      return blobSource(nameOf(path), file);
    },
  };
}
