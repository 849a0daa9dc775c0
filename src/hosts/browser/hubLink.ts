import { assert, GraftError } from '../../base/lib/errors.ts';
import { checkRange, copyingSource } from '../../base/storage/byteSource.ts';
import type { Folder } from '../../base/storage/types.ts';
import type { HubFilesApi, HubRef } from './hubProtocol.ts';
import type { GgufChoice } from './messages.ts';
import { wrap } from '../../base/threads/errorTransfer.ts';

/** A worker's connection to the hub worker, which alone sends requests to the Hub. */
export interface HubLink {
  /** Uses this port to the hub worker from now on; pending requests through an earlier one fail. */
  connect(port: MessagePort): void;
  /** A model's files, fetched by range as they are read. */
  folder(model: HubRef & GgufChoice): Folder;
}

/** A link that is not connected yet. */
export function createHubLink(): HubLink {
  let files: HubFilesApi | null = null;
  const pending = new Set<(error: GraftError) => void>();

  // A port reports nothing when the worker behind it ends: pending requests fail when the next port arrives.
  const request = <T>(send: (api: HubFilesApi) => Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      assert(files, 'no port to the hub worker');
      pending.add(reject);
      send(files)
        .then(resolve, reject)
        .finally(() => pending.delete(reject));
    });

  return {
    connect(port) {
      files = wrap<HubFilesApi>(port);
      const lost = new GraftError('workers.crashed', { worker: 'hub', reason: 'it was restarted' });
      for (const reject of pending) reject(lost);
    },
    folder(model) {
      let listed: Promise<Map<string, number>> | null = null;
      const sizes = (): Promise<Map<string, number>> => {
        listed ??= request((api) => api.list(model)).then(
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
          return copyingSource({
            name,
            size,
            async read(offset, length) {
              checkRange({ name, size }, offset, length);
              return request((api) => api.read(model, name, offset, length));
            },
          });
        },
      };
    },
  };
}
