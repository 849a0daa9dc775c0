import type { Hub } from '../../content/hub/hub.ts';
import type { ModelCache } from '../../content/hub/modelCache.ts';
import type { HubFile } from '../../content/hub/remoteFile.ts';
import type { HubRepo } from '../../content/hub/resolveRepo.ts';
import { namedGgufs, type HubGguf } from '../../content/hub/ggufFiles.ts';
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

/** A repo of GGUF files, of which one has to be chosen. */
export function ggufChoice(hub: Hub, repo: Omit<HubRepo, 'files'>, ggufs: HubGguf[]): HubModelFacts {
  const none = { files: 0, bytes: 0, bytesHere: 0, begun: false, complete: false, offline: false };
  return { ...repoFacts(hub, repo), ...none, ggufs };
}

/** A model as the page shows it, and how much of it is downloaded. @param cache null where storage is denied */
export async function modelFacts(
  cache: ModelCache | null,
  hub: Hub,
  model: HubRepo,
  files: readonly HubFile[],
  gguf?: string,
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
    const folder = await cache.open(hub.host, repo, commit);
    here.complete = folder !== null && (gguf === undefined || (await folder.list()).includes(gguf));
  }
  return {
    ...repoFacts(hub, model),
    ...here,
    gguf,
    files: files.length,
    bytes: files.reduce((sum, { size }) => sum + size, 0),
    offline: false,
  };
}

/** A downloaded model, or its GGUF files to choose from, without a request to the Hub; null if it is not there. */
export async function downloadedFacts(
  cache: ModelCache,
  hub: Hub,
  repo: string,
  commit: string,
  chosen?: string,
): Promise<HubModelFacts | null> {
  const stored = await cache.list();
  const model = stored
    .find((other) => other.host === hub.host && other.repo === repo)
    ?.models.find((other) => other.commit === commit);
  const folder = await cache.open(hub.host, repo, commit);
  if (!model || !folder) return null;
  const { revision, license, ggufs } = model;
  const gguf = chosen ?? (ggufs.length === 1 ? ggufs[0]!.path : undefined);
  const plain = { repo, revision, commit, license, gated: false, private: false };
  if (gguf === undefined && ggufs.length > 1)
    return { ...ggufChoice(hub, plain, namedGgufs(ggufs)), complete: true, offline: true };
  const bytes = ggufs.find(({ path }) => path === gguf)?.size ?? model.bytes;
  return {
    ...repoFacts(hub, plain),
    gguf,
    files: gguf === undefined ? (await folder.list()).length : 1,
    bytes,
    bytesHere: bytes,
    begun: false,
    complete: true,
    offline: true,
  };
}
