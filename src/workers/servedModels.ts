import * as Comlink from 'comlink';
import type { Hub } from '../hub/hub.ts';
import { hubFolder } from '../hub/hubFolder.ts';
import { chooseModelFiles } from '../hub/modelFiles.ts';
import type { HubFile } from '../hub/remoteFile.ts';
import { resolveRepo, type HubRepo } from '../hub/resolveRepo.ts';
import { checkRange } from '../storage/byteSource.ts';
import type { ByteSource, Folder } from '../storage/types.ts';
import type { HubFilesApi, HubPlace } from './hubProtocol.ts';
import { resultOf } from './result.ts';

/** A model at its commit, with the files that Graft reads of it. */
export interface ServedModel {
  model: HubRepo;
  files: HubFile[];
  folder: Folder;
}

/** Files other than weights up to this size are fetched once, whole: several workers read them. */
const WHOLE_BYTES = 64 * 1024 * 1024;

/** The models that are read from Hubs, by place; each is listed once. */
export class ServedModels {
  readonly #hubOf: (endpoint: string) => Hub;
  readonly #models = new Map<string, Promise<ServedModel>>();

  constructor(hubOf: (endpoint: string) => Hub) {
    this.#hubOf = hubOf;
  }

  /** The model at a place. Throws what `resolveRepo` and `chooseModelFiles` throw. */
  at({ endpoint, repo, commit }: HubPlace): Promise<ServedModel> {
    const hub = this.#hubOf(endpoint);
    return this.#remember({ endpoint, repo, commit }, () =>
      resolveRepo(hub, { repo, revision: commit }).then((model) => serve(hub, model)),
    );
  }

  /** Takes a model that was just resolved. */
  add(hub: Hub, model: HubRepo): Promise<ServedModel> {
    const { repo, commit } = model;
    return this.#remember({ endpoint: hub.endpoint, repo, commit }, () => serve(hub, model));
  }

  /** Answers another worker's questions about files. */
  answer(port: MessagePort): void {
    const api: HubFilesApi = {
      list: (place) =>
        resultOf(async () => {
          const { files } = await this.at(place);
          return files.map(({ path, size }) => ({ name: path, size }));
        }),
      read: async (place, file, offset, length) => {
        const result = await resultOf(async () => {
          const { folder } = await this.at(place);
          return (await folder.open(file)).read(offset, length);
        });
        return result.ok ? Comlink.transfer(result, [result.value.buffer]) : result;
      },
    };
    Comlink.expose(api, port);
  }

  #remember(place: HubPlace, make: () => Promise<ServedModel>): Promise<ServedModel> {
    const key = JSON.stringify([place.endpoint, place.repo, place.commit]);
    let served = this.#models.get(key);
    if (served === undefined) {
      served = make();
      this.#models.set(key, served);
      // A refusal is not for ever: a token may open the model.
      served.catch(() => this.#models.delete(key));
    }
    return served;
  }
}

async function serve(hub: Hub, model: HubRepo): Promise<ServedModel> {
  const folder = readingWhole(hubFolder(hub, model));
  const files = await chooseModelFiles(model, folder);
  // Without safetensors there is nothing to choose: all names are shown, so that opening can say what there is.
  const usable = files.some(({ path }) => path.endsWith('.safetensors'));
  return { model, folder, files: usable ? files : [...model.files.values()] };
}

/** A folder whose small files are fetched once and kept. */
function readingWhole(folder: Folder): Folder {
  const kept = new Map<string, Promise<Uint8Array<ArrayBuffer>>>();
  const whole = (source: ByteSource): Promise<Uint8Array<ArrayBuffer>> => {
    let bytes = kept.get(source.name);
    if (bytes === undefined) {
      bytes = source.read(0, source.size);
      kept.set(source.name, bytes);
      bytes.catch(() => kept.delete(source.name));
    }
    return bytes;
  };
  return {
    ...folder,
    async open(name) {
      const source = await folder.open(name);
      if (name.endsWith('.safetensors') || source.size > WHOLE_BYTES) return source;
      return {
        name,
        size: source.size,
        async read(offset, length) {
          checkRange(source, offset, length);
          return (await whole(source)).slice(offset, offset + length);
        },
      };
    },
  };
}
