import type { Hub } from '../../content/hub/hub.ts';
import type { ModelCache } from '../../content/hub/modelCache.ts';
import type { HubFile } from '../../content/hub/remoteFile.ts';
import type { HubRepo } from '../../content/hub/resolveRepo.ts';
import type { HubFacts, HubModelFacts } from './hubProtocol.ts';

/** A repo as the page shows it. */
export function repoFacts(hub: Hub, repo: Omit<HubRepo, 'files'>): HubFacts {
  const { endpoint, host } = hub;
  const { revision, commit, license, gated } = repo;
  return {
    endpoint,
    host,
    revision,
    commit,
    license,
    gated,
    repo: repo.repo,
    private: repo.private,
    page: `${endpoint}/${repo.repo}`,
  };
}

/** A model as the page shows it, and how much of it is downloaded. @param cache null where storage is denied */
export async function modelFacts(
  cache: ModelCache | null,
  hub: Hub,
  model: HubRepo,
  files: readonly HubFile[],
): Promise<HubModelFacts> {
  const { repo, commit } = model;
  const here = { bytesHere: 0, begun: false, complete: false };
  if (cache !== null) {
    const store = await cache.blobs(hub.host, repo);
    const names = new Set(await store.directory.list());
    for (const file of files) {
      if (!names.has(file.oid)) continue;
      if (await store.has(file)) here.bytesHere += file.size;
      else here.begun = true;
    }
    here.complete = (await cache.open(hub.host, repo, commit)) !== null;
  }
  return {
    ...repoFacts(hub, model),
    ...here,
    files: files.length,
    bytes: files.reduce((sum, { size }) => sum + size, 0),
    offline: false,
  };
}

/** A downloaded model, without a request to the Hub; null if it is not there. */
export async function downloadedFacts(
  cache: ModelCache,
  hub: Hub,
  repo: string,
  commit: string,
): Promise<HubModelFacts | null> {
  const stored = await cache.list();
  const model = stored
    .find((other) => other.host === hub.host && other.repo === repo)
    ?.models.find((other) => other.commit === commit);
  const folder = await cache.open(hub.host, repo, commit);
  if (!model || !folder) return null;
  const { revision, license, bytes } = model;
  return {
    ...repoFacts(hub, { repo, revision, commit, license, gated: false, private: false }),
    files: (await folder.list()).length,
    bytes,
    bytesHere: bytes,
    begun: false,
    complete: true,
    offline: true,
  };
}
