import { downloadedInstead } from '../../../content/hub/downloadedInstead.ts';
import { downloadModel } from '../../../content/hub/downloadModel.ts';
import type { Hub } from '../../../content/hub/hub.ts';
import { hubFolder } from '../../../content/hub/hubFolder.ts';
import type { ModelCache } from '../../../content/hub/modelCache.ts';
import { isCommit, parseModelReference, type RepoReference } from '../../../content/hub/repoReference.ts';
import { resolveRepo, type HubRepo } from '../../../content/hub/resolveRepo.ts';
import type { Folder } from '../../../base/storage/types.ts';
import { localModel } from './localModel.ts';
import { bytesText, downloadReporter } from './downloadReporter.ts';
import { hubOf, isOnHub, openCache, type HubAccess } from './hubAccess.ts';
import { log } from './terminal.ts';

/** A model as the command line names it: a folder, or `hf:org/name[@revision]`, and its Hub. */
export type ModelChoice = HubAccess & { model: string };

/** The folder of a model, downloaded to the cache as far as it is not there, with progress on stderr. */
export async function modelFolder(choice: ModelChoice): Promise<Folder> {
  if (!isOnHub(choice.model)) return localModel(choice.model);
  const reference = parseModelReference(choice.model);
  const hub = hubOf(choice);
  const cache = openCache();
  if (isCommit(reference.revision)) {
    const there = await cache.open(hub.host, reference.repo, reference.revision);
    if (there) return there;
  }
  const resolved = await resolveOrFind(hub, cache, reference);
  if ('folder' in resolved) return resolved.folder;
  const { model } = resolved;
  const report = downloadReporter(model);
  const folder = await downloadModel(hub, model, cache, {
    onProgress: report.progress,
    onWait: () => log(`Another process is downloading ${model.repo}; waiting for it.`),
  });
  report.end();
  return folder;
}

/**
 * What `read` makes of a model where it is: of a Hub's only what it asks for is fetched, and how much that was is told
 * on stderr.
 */
export async function readInPlace<T>(choice: ModelChoice, read: (folder: Folder) => Promise<T>): Promise<T> {
  if (!isOnHub(choice.model)) return read(await localModel(choice.model));
  const hub = hubOf(choice);
  const model = await resolveRepo(hub, parseModelReference(choice.model));
  const result = await read(hubFolder(hub, model));
  log(`${model.repo} at ${model.commit.slice(0, 12)}: read ${bytesText(hub.bytesReceived)}.`);
  return result;
}

/** The model as the Hub knows it now; where the Hub cannot be reached, as it was downloaded last. */
async function resolveOrFind(
  hub: Hub,
  cache: ModelCache,
  reference: RepoReference,
): Promise<{ model: HubRepo } | { folder: Folder }> {
  const { repo } = reference;
  try {
    return { model: await resolveRepo(hub, reference) };
  } catch (error) {
    const { commit } = await downloadedInstead(error, async () => cache, hub.host, reference);
    const folder = await cache.open(hub.host, repo, commit);
    if (!folder) throw error;
    log(`${hub.host} cannot be reached; using ${repo} as downloaded at commit ${commit}.`);
    return { folder };
  }
}
