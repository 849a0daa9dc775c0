import { GraftError } from '../lib/errors.ts';
import type { ByteSource } from '../storage/types.ts';
import { downloadFiles, type RepoDownloadOptions } from './downloadFiles.ts';
import type { Hub } from './hub.ts';
import type { ModelCache } from './modelCache.ts';
import type { HubFile } from './remoteFile.ts';
import type { HubRepo } from './resolveRepo.ts';

const rows = /\.(?:jsonl|ndjson|json|csv|tsv|parquet|txt)$/i;
/** Files beside the rows: descriptions of the data set, requirements, hidden ones. */
const noRows =
  /(?:^|\/)(?:\.|_)|(?:^|\/)(?:dataset_infos?|dataset_dict|state|config|requirements)\.(?:json|txt)$/i;

/** The files of a data set that may hold rows: JSON Lines, JSON, CSV, Parquet, text; in the order of their paths. */
export function dataFilesOf(dataset: HubRepo): HubFile[] {
  return [...dataset.files.values()]
    .filter(({ path }) => rows.test(path) && !noRows.test(path))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

/**
 * One file of a data set, downloaded to the cache as far as it is not there; verified. After an error or a cancel, what
 * arrived is kept for the next time. Throws `hub.file_not_found`, `hub.*`, `storage.*`, and the signal's reason.
 */
export async function downloadDataFile(
  hub: Hub,
  dataset: HubRepo,
  path: string,
  cache: ModelCache,
  options: RepoDownloadOptions = {},
): Promise<ByteSource> {
  const { repo } = dataset;
  const { host } = hub;
  const file = dataset.files.get(path);
  if (file === undefined) throw new GraftError('hub.file_not_found', { file: path, repo, host });
  const download = async (): Promise<ByteSource> => {
    const store = await cache.blobs(host, repo);
    await downloadFiles(hub, dataset, [file], store, options);
    const source = await store.open(file);
    // In a data set one file is asked for at a time: those of before stay listed.
    await cache.add(host, dataset, [file]);
    return source;
  };
  return cache.hold(host, repo, download, options);
}
