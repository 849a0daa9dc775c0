import { GraftError } from '../lib/errors.ts';
import type { Folder } from '../storage/types.ts';
import type { BlobStore } from './blobStore.ts';
import { downloadFile, type DownloadOptions } from './downloadFile.ts';
import type { Hub } from './hub.ts';
import { hubFolder } from './hubFolder.ts';
import type { ModelCache } from './modelCache.ts';
import { chooseModelFiles } from './modelFiles.ts';
import { ProgressMeter, type DownloadProgress } from './progress.ts';
import { RemoteFile, type HubFile } from './remoteFile.ts';
import type { HubModel } from './resolveModel.ts';

export interface ModelDownloadOptions extends Pick<DownloadOptions, 'signal' | 'parallel' | 'partBytes'> {
  onProgress?: (progress: DownloadProgress) => void;
  /** Called when another tab or process is downloading the same model, which is waited for. */
  onWait?: () => void;
}

/**
 * The folder of a model in the cache, downloaded as far as it is not there. Only complete and verified files are in
 * it; after an error or a cancel, what arrived is kept for the next time. Throws `hub.*`, `storage.*`, and the
 * signal's reason.
 */
export async function downloadModel(
  hub: Hub,
  model: HubModel,
  cache: ModelCache,
  options: ModelDownloadOptions = {},
): Promise<Folder> {
  const { repo, commit } = model;
  const { host } = hub;
  return cache.hold(
    host,
    repo,
    async () => {
      const there = await cache.open(host, repo, commit);
      if (there) return there;
      const files = await chooseModelFiles(model, hubFolder(hub, model, options.signal));
      await downloadFiles(hub, model, files, await cache.blobs(host, repo), options);
      await cache.commit(host, model, files);
      const folder = await cache.open(host, repo, commit);
      if (folder) return folder;
      throw new GraftError('storage.not_found', { file: `${commit}.json`, folder: 'the cache' });
    },
    options,
  );
}

async function downloadFiles(
  hub: Hub,
  model: HubModel,
  files: HubFile[],
  store: BlobStore,
  { onProgress, ...options }: ModelDownloadOptions,
): Promise<void> {
  const meter = new ProgressMeter(
    hub.clock,
    files.reduce((sum, { size }) => sum + size, 0),
  );
  for (const file of files) {
    let received = hub.bytesReceived;
    const onBytes = (bytes: number): void => {
      // Without a byte from the network they were on disk before.
      if (hub.bytesReceived === received) meter.addKept(bytes);
      else meter.add(bytes);
      received = hub.bytesReceived;
      onProgress?.(meter.progress(file.path));
    };
    const remote = new RemoteFile(hub, model.repo, model.commit, file);
    if (file.lfs) await downloadFile(remote, store, { ...options, onBytes });
    else await downloadSmall(remote, store, onBytes, options.signal);
  }
}

/** A file outside LFS, in memory; git's own checksum says whether it is right. */
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

/** The SHA-1 that git gives a file of these bytes, in hex. */
async function gitOid(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const blob = new Blob([`blob ${bytes.byteLength}\0`, bytes]);
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-1', await blob.arrayBuffer()));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
