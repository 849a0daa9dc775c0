import { GraftError } from '../../base/lib/errors.ts';
import type { BlobStore } from './blobStore.ts';
import { downloadFile, type DownloadOptions } from './downloadFile.ts';
import { gitOid } from './gitOid.ts';
import type { Hub } from './hub.ts';
import { ProgressMeter, type DownloadProgress } from './progress.ts';
import { RemoteFile, type HubFile } from './remoteFile.ts';
import type { HubRepo } from './resolveRepo.ts';

export interface RepoDownloadOptions extends Pick<DownloadOptions, 'signal' | 'parallel' | 'partBytes'> {
  onProgress?: (progress: DownloadProgress) => void;
  /** Called if another tab or process is downloading from the same repo, before waiting for it. */
  onWait?: () => void;
}

/** Downloads the missing files of a repo into the store, each verified. */
export async function downloadFiles(
  hub: Hub,
  repo: HubRepo,
  files: readonly HubFile[],
  store: BlobStore,
  { onProgress, ...options }: RepoDownloadOptions,
): Promise<void> {
  const meter = new ProgressMeter(
    hub.clock,
    files.reduce((sum, { size }) => sum + size, 0),
  );
  for (const file of files) {
    let received = hub.bytesReceived;
    const onBytes = (bytes: number): void => {
      // If no byte came from the network, they were on disk before.
      if (hub.bytesReceived === received) meter.addExisting(bytes);
      else meter.add(bytes);
      received = hub.bytesReceived;
      onProgress?.(meter.progress(file.path));
    };
    const remote = new RemoteFile(hub, repo.repo, repo.commit, file);
    if (file.lfs) await downloadFile(remote, store, { ...options, onBytes });
    else await downloadSmall(remote, store, onBytes, options.signal);
  }
}

/** A file outside LFS, in memory, verified by git's checksum. */
async function downloadSmall(
  remote: RemoteFile,
  store: BlobStore,
  onBytes: (bytes: number) => void,
  signal?: AbortSignal,
): Promise<void> {
  const { file } = remote;
  if (await store.has(file)) return onBytes(file.size);
  for (let attempt = 0; ; attempt++) {
    const bytes = await remote.read(0, file.size, signal);
    if ((await gitOid(bytes)) === file.oid) {
      await store.put(file, bytes);
      return onBytes(file.size);
    }
    if (attempt > 0) {
      throw new GraftError('hub.checksum', { file: file.path, host: remote.host, expected: file.oid });
    }
  }
}
