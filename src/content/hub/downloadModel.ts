import { GraftError } from '../../base/lib/errors.ts';
import type { Folder } from '../../base/storage/types.ts';
import { downloadFiles, type RepoDownloadOptions } from './downloadFiles.ts';
import type { Hub } from './hub.ts';
import { hubFolder } from './hubFolder.ts';
import type { ModelCache } from './modelCache.ts';
import { chooseModelFiles } from './modelFiles.ts';
import type { HubRepo } from './resolveRepo.ts';

/**
 * The folder of a model in the cache, after downloading what is missing. It has only complete and verified files; after
 * an error or abort, received data stays for the next attempt. Of a repo of GGUF files it is the one that `gguf` names, beside others that are there. Throws `hub.*`, `storage.*`, and the signal's reason.
 */
export async function downloadModel(
  hub: Hub,
  model: HubRepo,
  cache: ModelCache,
  options: RepoDownloadOptions & { gguf?: string | undefined } = {},
): Promise<Folder> {
  const { repo, commit } = model;
  const { host } = hub;
  return cache.hold(
    host,
    repo,
    async () => {
      const { gguf = null, ...rest } = options;
      const there = await cache.open(host, repo, commit);
      if (there && (gguf === null || (await there.list()).includes(gguf))) return there;
      const files = await chooseModelFiles(model, hubFolder(hub, model, options.signal), gguf);
      await downloadFiles(hub, model, files, await cache.blobs(host, repo), rest);
      // Each GGUF file is a model: they lie beside each other.
      if (gguf === null) await cache.commit(host, model, files);
      else await cache.add(host, model, files);
      const folder = await cache.open(host, repo, commit);
      if (folder) return folder;
      throw new GraftError('storage.not_found', { file: `${commit}.json`, folder: 'the cache' });
    },
    options,
  );
}
