import { throttled } from '../../base/lib/throttle.ts';
import { dataFilesOf, downloadDataFile } from '../../content/hub/dataset.ts';
import { downloadedInstead } from '../../content/hub/downloadedInstead.ts';
import { downloadModel } from '../../content/hub/downloadModel.ts';
import { ggufFilesOf } from '../../content/hub/ggufFiles.ts';
import { Hub, officialEndpoint, type HubSettings } from '../../content/hub/hub.ts';
import type { ModelCache } from '../../content/hub/modelCache.ts';
import { checkAdapterRepo, refuseAdapterRepo } from '../../content/hub/modelFiles.ts';
import { refuseLocalPaths } from '../../content/hub/localPaths.ts';
import { pushFiles, type PushOutcome } from '../../content/hub/push.ts';
import {
  parseDatasetReference,
  parseModelReference,
  type RepoReference,
} from '../../content/hub/repoReference.ts';
import { resolveRepo, type HubRepo } from '../../content/hub/resolveRepo.ts';
import { searchModels } from '../../content/hub/searchModels.ts';
import type { QuantizedCache } from '../../engine/model/weights/quantizedCache/quantizedCache.ts';
import { removeModel } from '../../session/removeModel.ts';
import { openQuantizedCache } from './browserQuantizedCache.ts';
import { downloadedFacts, ggufChoice, modelFacts, repoFacts } from './hubFacts.ts';
import type { DownloadProgress, HubApi, HubChoice, HubModelFacts } from './hubProtocol.ts';
import { ServedModels } from './servedModels.ts';
import { storageReport } from './storageReport.ts';

/** What the user can cancel. */
type Transfer = 'model' | 'data' | 'push';

const isComplete = ({ bytesDone, bytesTotal }: DownloadProgress): boolean => bytesDone >= bytesTotal;

/**
 * The hub worker: sends requests to one Hub, and owns the user's token and the downloads. The token is in this closure and
 * nowhere else, and leaves it only as a header of requests.
 */
export function createHubService(
  openCache: () => Promise<ModelCache>,
  settings: Pick<HubSettings, 'clock'> = {},
  openQuantized: () => Promise<QuantizedCache | null> = openQuantizedCache,
): HubApi {
  let choice: HubChoice = { endpoint: null, tokenForEndpoint: false };
  let token: string | null = null;
  const running = new Map<Transfer, AbortController>();
  const datasets = new Map<string, HubRepo>();
  const hubs = new Map<string, Hub>();
  const served = new ServedModels(hubAt);

  /** The Hub at an address; models that were opened from another one before can still be read. */
  function hubAt(endpoint: string): Hub {
    const hub =
      hubs.get(endpoint) ??
      new Hub({
        ...settings,
        endpoint,
        token: () => token,
        // Read at every request: consent can be withdrawn.
        get tokenForEndpoint() {
          return choice.tokenForEndpoint && choice.endpoint !== null && chosenHub().endpoint === endpoint;
        },
      });
    hubs.set(endpoint, hub);
    return hub;
  }

  function chosenHub(): Hub {
    // Its endpoint is the address in its canonical spelling, by which hubs are found.
    return hubAt(new Hub({ endpoint: choice.endpoint ?? officialEndpoint }).endpoint);
  }

  async function findOffline(
    hub: Hub,
    reference: RepoReference,
    error: unknown,
    gguf: string | undefined,
  ): Promise<HubModelFacts> {
    const open = () => openCache().catch(() => null);
    const { cache, commit } = await downloadedInstead(error, open, hub.host, reference);
    const facts = await downloadedFacts(cache, hub, reference.repo, commit, gguf);
    if (facts === null) throw error;
    return facts;
  }

  /** Does `work` until it is done or cancelled, and cancels an earlier one of its kind. */
  async function cancellable(
    what: Transfer,
    work: (signal: AbortSignal) => Promise<void>,
  ): Promise<{ cancelled: boolean }> {
    running.get(what)?.abort();
    const stop = new AbortController();
    running.set(what, stop);
    try {
      await work(stop.signal);
      return { cancelled: false };
    } catch (error) {
      if (stop.signal.aborted) return { cancelled: true };
      throw error;
    } finally {
      if (running.get(what) === stop) running.delete(what);
    }
  }

  return {
    async serve(port) {
      served.serve(port);
    },

    async configure(next) {
      const { host, endpoint } = new Hub({ endpoint: next.endpoint ?? officialEndpoint });
      choice = { ...next };
      return { host, official: endpoint === officialEndpoint };
    },

    async setToken(given) {
      token = given?.trim() || null;
    },

    search: (query) => searchModels(chosenHub(), query),

    async lookUp(text, gguf) {
      const hub = chosenHub();
      const reference = parseModelReference(text);
      const resolved = await resolveRepo(hub, reference).catch((error: Error) => error);
      if (resolved instanceof Error) return findOffline(hub, reference, resolved, gguf);
      refuseAdapterRepo(resolved);
      const ggufs = ggufFilesOf(resolved);
      const chosen = gguf ?? (ggufs.length === 1 ? ggufs[0]!.path : undefined);
      if (chosen === undefined && ggufs.length > 1) return ggufChoice(hub, resolved, ggufs);
      const { files, model } = await served.add(hub, resolved, chosen);
      // Where the browser denies storage, the model can be looked up all the same.
      return modelFacts(await openCache().catch(() => null), hub, model, files, chosen);
    },

    async lookUpAdapter(text) {
      const hub = chosenHub();
      const resolved = await resolveRepo(hub, parseModelReference(text));
      checkAdapterRepo(resolved);
      await served.add(hub, resolved);
      return repoFacts(hub, resolved);
    },

    download: (ref, onProgress, onWait) =>
      cancellable('model', async (signal) => {
        const { model } = await served.at(ref);
        const options = { signal, onProgress: throttled(onProgress, isComplete), onWait, gguf: ref.gguf };
        await downloadModel(hubAt(ref.endpoint), model, await openCache(), options);
      }),

    async lookUpData(text) {
      const hub = chosenHub();
      const dataset = await resolveRepo(hub, parseDatasetReference(text));
      datasets.set(dataset.repo + dataset.commit, dataset);
      const dataFiles = dataFilesOf(dataset).map(({ path, size }) => ({ path, size }));
      return { ...repoFacts(hub, dataset), dataFiles };
    },

    downloadData: ({ endpoint, repo, commit }, path, onProgress, onWait) =>
      cancellable('data', async (signal) => {
        const hub = hubAt(endpoint);
        const dataset =
          datasets.get(repo + commit) ?? (await resolveRepo(hub, { repo, revision: commit }, signal));
        const options = { signal, onProgress: throttled(onProgress, isComplete), onWait };
        await downloadDataFile(hub, dataset, path, await openCache(), options);
      }),

    async cancelDownload(what) {
      running.get(what)?.abort();
    },

    async push(repo, files, { pathsAllowed, ...options }, onProgress) {
      let outcome: PushOutcome | null = null;
      const blobs = new Map(files.map(({ name, blob }) => [name, blob]));
      if (!pathsAllowed) await refuseLocalPaths(blobs);
      const ended = await cancellable('push', async (signal) => {
        outcome = await pushFiles(chosenHub(), repo, blobs, {
          ...options,
          signal,
          onProgress: throttled(onProgress, ({ done, total }) => done >= total),
        });
      });
      return { ...ended, outcome };
    },

    async cancelPush() {
      running.get('push')?.abort();
    },

    storage: async () => storageReport(await openCache(), await openQuantized()),

    async remove(host, repo, commit) {
      const cache = await openCache();
      await removeModel(cache, await openQuantized(), { host, repo }, commit ?? undefined);
    },

    async removeQuantized(key) {
      await (await openQuantized())?.remove(key);
    },
  };
}
