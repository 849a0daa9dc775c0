import { downloadModel } from '../hub/downloadModel.ts';
import { Hub } from '../hub/hub.ts';
import { ModelCache } from '../hub/modelCache.ts';
import { resolveRepo } from '../hub/resolveRepo.ts';
import { GraftError, messageOf } from '../lib/errors.ts';
import { opfsDirectory } from '../storage/opfsDirectory.ts';
import { webLocks } from '../storage/webLocks.ts';
import { hashesOf } from './hashes.ts';

/** What a test in a browser asks of its worker. */
export interface HubTask {
  endpoint: string;
  repo: string;
  token: string | null;
  /** Cancels when this share of the bytes is there. */
  cancelAt: number | null;
  /** Looks only for what is there, as a page does that is opened anew. */
  lookOnly: boolean;
}

/** What the worker found; hashes of files by name, in hex. */
export type HubReport =
  | { hashes: Record<string, string>; received: number }
  | { error: string; code: string | null; received: number };

/** Downloads a model into OPFS and reads it back. */
async function run({ endpoint, repo, token, cancelAt, lookOnly }: HubTask): Promise<HubReport> {
  const hub = new Hub({ endpoint, token: () => token, tokenForEndpoint: true });
  try {
    const cache = new ModelCache(await opfsDirectory('hub-test'), webLocks('hub-test'));
    const model = await resolveRepo(hub, { repo, revision: 'main' });
    const stop = new AbortController();
    if (lookOnly) {
      const there = await cache.open(hub.host, repo, model.commit);
      return { hashes: there ? await hashesOf(there) : {}, received: hub.bytesReceived };
    }
    const folder = await downloadModel(hub, model, cache, {
      signal: stop.signal,
      onProgress({ bytesDone, bytesTotal }) {
        if (cancelAt !== null && bytesDone >= cancelAt * bytesTotal) stop.abort(new Error('cancelled'));
      },
    });
    return { hashes: await hashesOf(folder), received: hub.bytesReceived };
  } catch (error) {
    const code = error instanceof GraftError ? error.code : null;
    return { error: messageOf(error), code, received: hub.bytesReceived };
  }
}

self.onmessage = async ({ data }: MessageEvent<HubTask>) => self.postMessage(await run(data));
