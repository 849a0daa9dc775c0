import { dataFilesOf, downloadDataFile } from '../hub/dataset.ts';
import { downloadedInstead } from '../hub/downloadedInstead.ts';
import { downloadModel } from '../hub/downloadModel.ts';
import { Hub, officialEndpoint, type HubSettings } from '../hub/hub.ts';
import type { ModelCache } from '../hub/modelCache.ts';
import { pushFiles, type PushOutcome } from '../hub/push.ts';
import { parseDatasetReference, parseModelReference, type RepoReference } from '../hub/repoReference.ts';
import { resolveRepo, type HubRepo } from '../hub/resolveRepo.ts';
import type { DerivedWeights } from '../model/derived/derivedWeights.ts';
import { removeModel } from '../model/derived/removeModel.ts';
import { openKeptWeights } from './keptWeights.ts';
import { searchModels } from '../hub/searchModels.ts';
import { downloadedFacts, modelFacts, repoFacts } from './hubFacts.ts';
import type { DownloadProgress, HubApi, HubChoice, HubModelFacts } from './hubProtocol.ts';
import type { Throwing } from './result.ts';
import { ServedModels } from './servedModels.ts';
import { storageReport } from './storageReport.ts';

/** What the person may end. */
type Work = 'model' | 'data' | 'push';

const isWhole = ({ bytesDone, bytesTotal }: DownloadProgress): boolean => bytesDone >= bytesTotal;

/**
 * What the hub worker does: talks to one Hub, holds the person's token and the downloads. The token is in this closure
 * and nowhere else; it is only ever a header of requests.
 */
export function createHubDesk(
  openCache: () => Promise<ModelCache>,
  settings: Pick<HubSettings, 'clock'> = {},
  openKept: () => Promise<DerivedWeights | null> = openKeptWeights,
): Throwing<HubApi> {
  let choice: HubChoice = { endpoint: null, tokenForEndpoint: false };
  let token: string | null = null;
  const working = new Map<Work, AbortController>();
  const datasets = new Map<string, HubRepo>();
  const hubs = new Map<string, Hub>();
  const served = new ServedModels(hubAt);

  /** The Hub at an address; models that were picked from another one before can still be read. */
  function hubAt(endpoint: string): Hub {
    const hub =
      hubs.get(endpoint) ??
      new Hub({
        ...settings,
        endpoint,
        token: () => token,
        // Read at every request: a word taken back holds from then on.
        get tokenForEndpoint() {
          return choice.tokenForEndpoint && choice.endpoint !== null && chosenHub().endpoint === endpoint;
        },
      });
    hubs.set(endpoint, hub);
    return hub;
  }

  function chosenHub(): Hub {
    // Hubs are known by their address in one spelling.
    return hubAt(new Hub({ endpoint: choice.endpoint ?? officialEndpoint }).endpoint);
  }

  async function findOffline(hub: Hub, reference: RepoReference, error: unknown): Promise<HubModelFacts> {
    const open = () => openCache().catch(() => null);
    const { cache, commit } = await downloadedInstead(error, open, hub.host, reference);
    const facts = await downloadedFacts(cache, hub, reference.repo, commit);
    if (facts === null) throw error;
    return facts;
  }

  /** Works until it is done or cancelled; one of its kind at a time. */
  async function until(
    what: Work,
    work: (signal: AbortSignal) => Promise<void>,
  ): Promise<{ cancelled: boolean }> {
    working.get(what)?.abort();
    const stop = new AbortController();
    working.set(what, stop);
    try {
      await work(stop.signal);
      return { cancelled: false };
    } catch (error) {
      if (stop.signal.aborted) return { cancelled: true };
      throw error;
    } finally {
      if (working.get(what) === stop) working.delete(what);
    }
  }

  return {
    async serve(port) {
      served.answer(port);
      return null;
    },

    async configure(wanted) {
      const { host, endpoint } = new Hub({ endpoint: wanted.endpoint ?? officialEndpoint });
      choice = { ...wanted };
      return { host, official: endpoint === officialEndpoint };
    },

    async setToken(given) {
      token = given?.trim() || null;
      return null;
    },

    search: (query) => searchModels(chosenHub(), query),

    async lookUp(text) {
      const hub = chosenHub();
      const reference = parseModelReference(text);
      const resolved = await resolveRepo(hub, reference).catch((error: Error) => error);
      if (resolved instanceof Error) return findOffline(hub, reference, resolved);
      const { files, model } = await served.add(hub, resolved);
      // Where the browser denies storage the model can still be looked at.
      return modelFacts(await openCache().catch(() => null), hub, model, files);
    },

    download: (place, onProgress, onWait) =>
      until('model', async (signal) => {
        const { model } = await served.at(place);
        const options = { signal, onProgress: seldom(onProgress, isWhole), onWait };
        await downloadModel(hubAt(place.endpoint), model, await openCache(), options);
      }),

    async lookUpData(text) {
      const hub = chosenHub();
      const dataset = await resolveRepo(hub, parseDatasetReference(text));
      datasets.set(dataset.repo + dataset.commit, dataset);
      const dataFiles = dataFilesOf(dataset).map(({ path, size }) => ({ path, size }));
      return { ...repoFacts(hub, dataset), dataFiles };
    },

    downloadData: ({ endpoint, repo, commit }, path, onProgress, onWait) =>
      until('data', async (signal) => {
        const hub = hubAt(endpoint);
        const dataset =
          datasets.get(repo + commit) ?? (await resolveRepo(hub, { repo, revision: commit }, signal));
        const options = { signal, onProgress: seldom(onProgress, isWhole), onWait };
        await downloadDataFile(hub, dataset, path, await openCache(), options);
      }),

    async cancelDownload(what) {
      working.get(what)?.abort();
      return null;
    },

    async push(repo, files, options, onProgress) {
      let outcome: PushOutcome | null = null;
      const blobs = new Map(files.map(({ name, blob }) => [name, blob]));
      const ended = await until('push', async (signal) => {
        outcome = await pushFiles(chosenHub(), repo, blobs, {
          ...options,
          signal,
          onProgress: seldom(onProgress, ({ done, total }) => done >= total),
        });
      });
      return { ...ended, outcome };
    },

    async cancelPush() {
      working.get('push')?.abort();
      return null;
    },

    storage: async () => storageReport(await openCache(), await openKept()),

    async remove(host, repo, commit) {
      const cache = await openCache();
      await removeModel(cache, await openKept(), { host, repo }, commit ?? undefined);
      return null;
    },

    async removeQuantized(key) {
      await (await openKept())?.remove(key);
      return null;
    },
  };
}

/** Progress at most about ten times a second, and always the last: each is a message to the page. */
function seldom<P>(report: (progress: P) => void, isLast: (progress: P) => boolean): (progress: P) => void {
  let last = -Infinity;
  return (progress) => {
    const now = performance.now();
    if (!isLast(progress) && now - last < 100) return;
    last = now;
    report(progress);
  };
}
