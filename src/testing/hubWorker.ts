import { downloadModel } from '../content/hub/downloadModel.ts';
import { Hub } from '../content/hub/hub.ts';
import { ModelCache } from '../content/hub/modelCache.ts';
import { resolveRepo } from '../content/hub/resolveRepo.ts';
import { GraftError, messageOf } from '../base/lib/errors.ts';
import { opfsDirectory } from '../base/storage/opfsDirectory.ts';
import { webLocks } from '../base/storage/webLocks.ts';
import { dyingDirectory } from './dyingDirectory.ts';
import { hashesOf } from './hashes.ts';

/** What a test in a browser asks of its worker. */
export interface HubTask {
  endpoint: string;
  repo: string;
  token: string | null;
  /** Cancels when this share of the bytes is there. */
  cancelAt: number | null;
  /** The number of the change of the cache in which it is to be killed; null lets it end. */
  dieAt: number | null;
  /** Looks only for what is there, as a page does that is opened anew. */
  lookOnly: boolean;
}

/** What the worker found; hashes of files by name, in hex. */
export type HubReport =
  | { kind: 'done'; hashes: Record<string, string>; received: number; changes: number }
  /** It has come to the change in which it is to be killed, and does nothing any more. */
  | { kind: 'dying'; received: number }
  | { kind: 'failed'; error: string; code: string | null; received: number };

/** Downloads a model into OPFS and reads it back. */
async function run({ endpoint, repo, token, cancelAt, dieAt, lookOnly }: HubTask): Promise<HubReport> {
  const hub = new Hub({ endpoint, token: () => token, tokenForEndpoint: true });
  try {
    const victim = dyingDirectory(await opfsDirectory('hub-test'), dieAt ?? Infinity, () => {
      tell({ kind: 'dying', received: hub.bytesReceived });
      return new Promise<never>(() => undefined);
    });
    const cache = new ModelCache(victim.folder, webLocks('hub-test'));
    const model = await resolveRepo(hub, { repo, revision: 'main' });
    const stop = new AbortController();
    if (lookOnly) {
      const there = await cache.open(hub.host, repo, model.commit);
      return {
        kind: 'done',
        hashes: there ? await hashesOf(there) : {},
        received: hub.bytesReceived,
        changes: 0,
      };
    }
    const folder = await downloadModel(hub, model, cache, {
      signal: stop.signal,
      onProgress({ bytesDone, bytesTotal }) {
        if (cancelAt !== null && bytesDone >= cancelAt * bytesTotal) stop.abort(new Error('cancelled'));
      },
    });
    return {
      kind: 'done',
      hashes: await hashesOf(folder),
      received: hub.bytesReceived,
      changes: victim.changes.length,
    };
  } catch (error) {
    const code = error instanceof GraftError ? error.code : null;
    return { kind: 'failed', error: messageOf(error), code, received: hub.bytesReceived };
  }
}

const tell = (report: HubReport): void => self.postMessage(report);

self.onmessage = async ({ data }: MessageEvent<HubTask>) => tell(await run(data));
