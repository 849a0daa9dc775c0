import * as Comlink from 'comlink';
import { assert, GraftError } from '../lib/errors.ts';
import { checkRange } from '../storage/byteSource.ts';
import type { Folder } from '../storage/types.ts';
import type { HubFilesApi, HubPlace } from './hubProtocol.ts';
import type { Result } from './protocol.ts';
import { valueOf } from './result.ts';

/** A worker's way to the hub worker, which alone talks to the Hub. */
export interface HubLink {
  /** Takes the port to the hub worker; a later one replaces it, and what was asked through the earlier fails. */
  connect(port: MessagePort): void;
  /** A model's files, fetched by range as they are read. */
  folder(model: HubPlace): Folder;
}

/** A link that is not connected yet. */
export function createHubLink(): HubLink {
  let files: Comlink.Remote<HubFilesApi> | null = null;
  const waiting = new Set<(error: GraftError) => void>();

  // A port says nothing when the worker behind it dies: whoever waits is freed when the next one comes.
  const ask = <T>(question: (api: Comlink.Remote<HubFilesApi>) => Promise<Result<T>>): Promise<T> =>
    new Promise((resolve, reject) => {
      assert(files, 'no port to the hub worker');
      waiting.add(reject);
      question(files)
        .then(valueOf)
        .then(resolve, reject)
        .finally(() => waiting.delete(reject));
    });

  return {
    connect(port) {
      files = Comlink.wrap<HubFilesApi>(port);
      const lost = new GraftError('workers.crashed', { worker: 'hub', reason: 'it was started afresh' });
      for (const reject of waiting) reject(lost);
    },
    folder(model) {
      let listed: Promise<Map<string, number>> | null = null;
      const sizes = (): Promise<Map<string, number>> => {
        listed ??= ask((api) => api.list(model)).then(
          (list) => new Map(list.map(({ name, size }) => [name, size])),
        );
        listed.catch(() => (listed = null));
        return listed;
      };
      return {
        name: model.repo,
        list: async () => [...(await sizes()).keys()],
        async open(name) {
          const size = (await sizes()).get(name);
          if (size === undefined)
            throw new GraftError('storage.not_found', { file: name, folder: model.repo });
          return {
            name,
            size,
            async read(offset, length) {
              checkRange({ name, size }, offset, length);
              return ask((api) => api.read(model, name, offset, length));
            },
          };
        },
      };
    },
  };
}
