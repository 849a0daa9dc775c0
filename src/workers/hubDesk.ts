import { downloadModel } from '../hub/downloadModel.ts';
import { Hub, officialEndpoint, type HubSettings } from '../hub/hub.ts';
import type { ModelCache } from '../hub/modelCache.ts';
import { parseModelReference, type RepoReference } from '../hub/repoReference.ts';
import { resolveRepo } from '../hub/resolveRepo.ts';
import { searchModels } from './searchModels.ts';
import { GraftError } from '../lib/errors.ts';
import { downloadedFacts, modelFacts } from './hubFacts.ts';
import type { DownloadProgress, HubApi, HubChoice, HubModelFacts } from './hubProtocol.ts';
import type { Throwing } from './result.ts';
import { ServedModels } from './servedModels.ts';
import { storageReport } from './storageReport.ts';

/**
 * What the hub worker does: talks to one Hub, holds the person's token and the downloads. The token is in this closure
 * and nowhere else; it is only ever a header of requests.
 */
export function createHubDesk(
  openCache: () => Promise<ModelCache>,
  settings: Pick<HubSettings, 'clock'> = {},
): Throwing<HubApi> {
  let choice: HubChoice = { endpoint: null, tokenForEndpoint: false };
  let token: string | null = null;
  let downloading: AbortController | null = null;
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

  async function findOffline(
    hub: Hub,
    { repo, revision }: RepoReference,
    error: unknown,
  ): Promise<HubModelFacts> {
    const passing = error instanceof GraftError && /^hub\.(?:offline|unavailable)$/.test(error.code);
    const cache = passing ? await openCache().catch(() => null) : null;
    const commit = await cache?.latest(hub.host, repo, revision);
    if (!cache || !commit) throw error;
    const facts = await downloadedFacts(cache, hub, repo, commit);
    if (facts === null) throw error;
    return facts;
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
      const model = await resolveRepo(hub, reference).catch((error: unknown) => error);
      if (model instanceof Error) return findOffline(hub, reference, model);
      const { files, model: found } = await served.add(hub, model as Awaited<ReturnType<typeof resolveRepo>>);
      // Where the browser denies storage the model can still be looked at.
      return modelFacts(await openCache().catch(() => null), hub, found, files);
    },

    async download(place, onProgress, onWait) {
      downloading?.abort();
      const stop = new AbortController();
      downloading = stop;
      try {
        const { model } = await served.at(place);
        await downloadModel(hubAt(place.endpoint), model, await openCache(), {
          signal: stop.signal,
          onProgress: seldom(onProgress),
          onWait,
        });
        return { cancelled: false };
      } catch (error) {
        if (stop.signal.aborted) return { cancelled: true };
        throw error;
      } finally {
        if (downloading === stop) downloading = null;
      }
    },

    async cancelDownload() {
      downloading?.abort();
      return null;
    },

    storage: async () => storageReport(await openCache()),

    async remove(host, repo, commit) {
      await (await openCache()).remove(host, repo, commit ?? undefined);
      return null;
    },
  };
}

/** Progress at most about ten times a second, and always the last: each is a message to the page. */
function seldom(report: (progress: DownloadProgress) => void): (progress: DownloadProgress) => void {
  let last = -Infinity;
  return (progress) => {
    const now = performance.now();
    if (progress.bytesDone < progress.bytesTotal && now - last < 100) return;
    last = now;
    report(progress);
  };
}
