import { GraftError } from '../../base/lib/errors.ts';
import { checkRange, copyingSource } from '../../base/storage/byteSource.ts';
import type { ByteSource, Folder } from '../../base/storage/types.ts';
import type { Hub } from './hub.ts';
import { RemoteFile } from './remoteFile.ts';
import type { HubRepo } from './resolveRepo.ts';

/** Minimum read size: a header's length and the header come in one request. */
const BLOCK_BYTES = 64 * 1024;

/**
 * A model on a Hub as a read-only folder: reads are fetched by range at the model's commit and not cached. Suitable for
 * config, index and headers; weights should be downloaded.
 */
export function hubFolder(hub: Hub, model: HubRepo, signal?: AbortSignal): Folder {
  const opened = new Map<string, ByteSource>();
  return {
    name: model.repo,
    origin: { repo: model.repo, commit: model.commit, license: model.license },
    async list() {
      return [...model.files.keys()].sort();
    },
    async open(name) {
      const file = model.files.get(name);
      if (file === undefined) throw new GraftError('storage.not_found', { file: name, folder: model.repo });
      const source =
        opened.get(name) ?? remoteSource(new RemoteFile(hub, model.repo, model.commit, file), signal);
      opened.set(name, source);
      return source;
    },
  };
}

/** A source that fetches on each read; caches the first block of each file, where formats have their headers. */
function remoteSource(remote: RemoteFile, signal?: AbortSignal): ByteSource {
  const { path: name, size } = remote.file;
  let head: Promise<Uint8Array<ArrayBuffer>> | null = null;
  const readHead = (): Promise<Uint8Array<ArrayBuffer>> => {
    head ??= remote.read(0, Math.min(BLOCK_BYTES, size), signal).catch((error: unknown) => {
      head = null;
      throw error;
    });
    return head;
  };
  return copyingSource({
    name,
    size,
    async read(offset, length) {
      checkRange({ name, size }, offset, length);
      const end = offset + length;
      if (offset >= BLOCK_BYTES) return remote.read(offset, end, signal);
      const start = await readHead();
      if (end <= start.byteLength) return start.slice(offset, end);
      const bytes = new Uint8Array(length);
      bytes.set(start.subarray(offset));
      bytes.set(await remote.read(start.byteLength, end, signal), start.byteLength - offset);
      return bytes;
    },
  });
}
