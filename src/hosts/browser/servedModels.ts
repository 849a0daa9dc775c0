import { transfer } from 'comlink';
import type { Hub } from '../../content/hub/hub.ts';
import { hubFolder } from '../../content/hub/hubFolder.ts';
import { chooseModelFiles, isAdapterRepo } from '../../content/hub/modelFiles.ts';
import type { HubFile } from '../../content/hub/remoteFile.ts';
import { resolveRepo, type HubRepo } from '../../content/hub/resolveRepo.ts';
import { checkRange, copyingSource } from '../../base/storage/byteSource.ts';
import type { ByteSource, Folder } from '../../base/storage/types.ts';
import type { HubFilesApi, HubRef } from './hubProtocol.ts';
import type { GgufChoice } from './messages.ts';
import { expose } from '../../base/threads/errorTransfer.ts';

/** A model or an adapter at its commit, with the files that Graft reads of it. */
export interface ServedModel {
  model: HubRepo;
  files: HubFile[];
  folder: Folder;
}

/** Files other than weights are fetched once, whole, up to this size: several workers read them. */
const WHOLE_BYTES = 64 * 1024 * 1024;

/** The models that are read from Hubs; each is listed once. */
export class ServedModels {
  readonly #hubOf: (endpoint: string) => Hub;
  readonly #models = new Map<string, Promise<ServedModel>>();

  constructor(hubOf: (endpoint: string) => Hub) {
    this.#hubOf = hubOf;
  }

  /** The model at a commit. Throws what `resolveRepo` and `chooseModelFiles` throw. */
  at({ endpoint, repo, commit, gguf }: HubRef & GgufChoice): Promise<ServedModel> {
    const hub = this.#hubOf(endpoint);
    return this.#once({ endpoint, repo, commit, gguf }, () =>
      resolveRepo(hub, { repo, revision: commit }).then((model) => open(hub, model, gguf)),
    );
  }

  /** Adds a model that was just resolved. */
  add(hub: Hub, model: HubRepo, gguf?: string): Promise<ServedModel> {
    const { repo, commit } = model;
    return this.#once({ endpoint: hub.endpoint, repo, commit, gguf }, () => open(hub, model, gguf));
  }

  /** Serves files to another worker. */
  serve(port: MessagePort): void {
    const api: HubFilesApi = {
      list: async (model) => {
        const { files } = await this.at(model);
        return files.map(({ path, size }) => ({ name: path, size }));
      },
      read: async (model, file, offset, length) => {
        const { folder } = await this.at(model);
        const source = await folder.open(file);
        const bytes = await source.read(offset, length);
        return transfer(bytes, [bytes.buffer]);
      },
    };
    expose(api, port);
  }

  #once(model: HubRef & GgufChoice, make: () => Promise<ServedModel>): Promise<ServedModel> {
    const key = JSON.stringify([model.endpoint, model.repo, model.commit, model.gguf]);
    let served = this.#models.get(key);
    if (served === undefined) {
      served = make();
      this.#models.set(key, served);
      // A refusal is not final: a token may open the model.
      served.catch(() => this.#models.delete(key));
    }
    return served;
  }
}

async function open(hub: Hub, model: HubRepo, gguf?: string): Promise<ServedModel> {
  const folder = cachingFolder(hubFolder(hub, model));
  if (gguf !== undefined) return { model, folder, files: await chooseModelFiles(model, folder, gguf) };
  if (isAdapterRepo(model)) return { model, folder, files: [...model.files.values()] };
  const files = await chooseModelFiles(model, folder);
  // Without safetensors there is nothing to choose: all files are listed, so that opening can name what there is.
  const usable = files.some(({ path }) => path.endsWith('.safetensors'));
  return { model, folder, files: usable ? files : [...model.files.values()] };
}

/** A folder whose small files are fetched once, whole. */
function cachingFolder(folder: Folder): Folder {
  const fetched = new Map<string, Promise<Uint8Array<ArrayBuffer>>>();
  const whole = (source: ByteSource): Promise<Uint8Array<ArrayBuffer>> => {
    let bytes = fetched.get(source.name);
    if (bytes === undefined) {
      bytes = source.read(0, source.size);
      fetched.set(source.name, bytes);
      bytes.catch(() => fetched.delete(source.name));
    }
    return bytes;
  };
  return {
    ...folder,
    async open(name) {
      const source = await folder.open(name);
      if (/\.(?:safetensors|gguf)$/i.test(name) || source.size > WHOLE_BYTES) return source;
      return copyingSource({
        name,
        size: source.size,
        async read(offset, length) {
          checkRange(source, offset, length);
          return (await whole(source)).slice(offset, offset + length);
        },
      });
    },
  };
}
