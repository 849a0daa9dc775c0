import { downloadedInstead } from '../hub/downloadedInstead.ts';
import { downloadModel } from '../hub/downloadModel.ts';
import type { Hub } from '../hub/hub.ts';
import { hubFolder } from '../hub/hubFolder.ts';
import type { ModelCache } from '../hub/modelCache.ts';
import { isCommit, parseModelReference, type RepoReference } from '../hub/repoReference.ts';
import { resolveRepo, type HubRepo } from '../hub/resolveRepo.ts';
import { nodeFolder } from '../storage/nodeFolder.ts';
import type { Folder } from '../storage/types.ts';
import { bytesText, downloadReporter } from './downloadReporter.ts';
import { hubFlags, hubOf, hubAccess, hubOptions, isOnHub, openCache, type HubAccess } from './hubAccess.ts';
import type { Options } from './options.ts';

/** The options of every command that takes a model, and their flag. */
export const modelOptions = ['model', ...hubOptions] as const;
export const modelFlags = hubFlags;

/** A model as the command line names it: a folder, or `hf:org/name[@revision]`. */
export interface ModelChoice extends HubAccess {
  model: string;
}

/** Reads `--model`, `--endpoint` and `--token-for-endpoint`. Throws `cli.missing_option`, `cli.bad_option`. */
export function modelChoice(options: Options, usage: string): ModelChoice {
  const model = options.required('model');
  const data = options.optional('data');
  return { model, ...hubAccess(options, usage, [model, ...(data === undefined ? [] : [data])]) };
}

/** The folder of a model, downloaded to the cache as far as it is not there, with progress on stderr. */
export async function modelFolder(choice: ModelChoice): Promise<Folder> {
  if (!isOnHub(choice.model)) return nodeFolder(choice.model);
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
    onWait: () => console.error(`Another process is downloading ${model.repo}; waiting for it.`),
  });
  report.end();
  return folder;
}

/**
 * What `read` makes of a model where it is: of a Hub's only what it asks for is fetched, and how much that was is told
 * on stderr.
 */
export async function readInPlace<T>(choice: ModelChoice, read: (folder: Folder) => Promise<T>): Promise<T> {
  if (!isOnHub(choice.model)) return read(nodeFolder(choice.model));
  const hub = hubOf(choice);
  const model = await resolveRepo(hub, parseModelReference(choice.model));
  const result = await read(hubFolder(hub, model));
  console.error(`${model.repo} at ${model.commit.slice(0, 12)}: read ${bytesText(hub.bytesReceived)}.`);
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
    console.error(`${hub.host} cannot be reached; using ${repo} as downloaded at commit ${commit}.`);
    return { folder };
  }
}
