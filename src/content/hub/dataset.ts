import { GraftError } from '../../base/lib/errors.ts';
import type { ByteSource } from '../../base/storage/types.ts';
import { downloadFiles, type RepoDownloadOptions } from './downloadFiles.ts';
import type { Hub } from './hub.ts';
import type { ModelCache } from './modelCache.ts';
import type { HubFile } from './remoteFile.ts';
import type { HubRepo } from './resolveRepo.ts';

const rows = /\.(?:jsonl|ndjson|json|csv|tsv|parquet|txt)$/i;
/** Other files of a dataset: descriptions, requirements, hidden files. */
const noRows =
  /(?:^|\/)(?:\.|_)|(?:^|\/)(?:dataset_infos?|dataset_dict|state|config|requirements)\.(?:json|txt)$/i;

/** The files of a dataset that may contain rows (JSON Lines, JSON, CSV, Parquet, text), sorted by path. */
export function dataFilesOf(dataset: HubRepo): HubFile[] {
  return [...dataset.files.values()]
    .filter(({ path }) => rows.test(path) && !noRows.test(path))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

/**
 * Downloads one file of a dataset to the cache unless it is there; verified. After an error or abort, received data
 * stays for the next attempt. Throws `hub.file_not_found`, `hub.*`, `storage.*`, and the signal's reason.
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
    // Datasets are downloaded one file at a time: earlier files stay listed.
    await cache.add(host, dataset, [file]);
    return source;
  };
  return cache.hold(host, repo, download, options);
}
