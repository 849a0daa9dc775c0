import { writeText } from '../../../../content/formats/text.ts';
import { hexOf } from '../../../../base/lib/bytes.ts';
import type { Directory } from '../../../../base/storage/types.ts';
import type { ModelFiles } from '../../spec/openModel.ts';
import { baseIdentity } from './baseIdentity.ts';
import { CachedModel, readManifest } from './cachedModel.ts';
import { cachedEntries, quantizedMatrices } from './cachedTensors.ts';

/** Version of contents and layout; other versions are ignored. */
const VERSION = 1;

/** File with the time of last use, in milliseconds since 1970. */
const USED = 'used';

/** The cached 4-bit weights of a model. */
export interface CachedModelInfo {
  key: string;
  /** Name of the model, to show to users; null if it is unknown. */
  base: string | null;
  doubleQuant: boolean;
  /** Bytes on disk. */
  bytes: number;
  /** Milliseconds since 1970; 0 if it was never used again. */
  lastUsed: number;
  /** Whether a load can use them; else a first run is still writing them, or was interrupted. */
  complete: boolean;
}

/**
 * The weights that QLoRA quantizes, cached on disk so that the next load reads about a quarter of the bytes: one folder
 * per model and kind of quantization, named by their identity.
 */
export class QuantizedCache {
  readonly #root: Directory;
  readonly #onProblem: (error: unknown) => void;
  readonly #now: () => number;

  /** @param onProblem called if weights could not be saved, e.g. on a full disk; loading continues */
  constructor(
    root: Directory,
    {
      onProblem = () => undefined,
      now = Date.now,
    }: { onProblem?: (error: unknown) => void; now?: () => number } = {},
  ) {
    this.#root = root;
    this.#onProblem = onProblem;
    this.#now = now;
  }

  /**
   * The 4-bit weights of a model, or an empty cache for them. Null if nothing is quantized, if the model's files have
   * no identity, or if the disk fails.
   */
  async open(files: ModelFiles, { doubleQuant }: { doubleQuant: boolean }): Promise<CachedModel | null> {
    const matrices = quantizedMatrices(files, { doubleQuant });
    if (matrices.length === 0) return null;
    try {
      const identity = await baseIdentity(files.checkpoint);
      if (identity === null) return null;
      const folder = await this.#root.directory(await keyOf(identity, doubleQuant));
      const entries = new Map(matrices.map((matrix) => [matrix.tensor, cachedEntries(matrix)]));
      const about = { base: files.folder.name, doubleQuant };
      const model = new CachedModel(folder, about, entries, this.#onProblem);
      await model.open();
      if (model.checkpoint) await writeText(folder, USED, String(this.#now()));
      return model;
    } catch (error) {
      this.#onProblem(error);
      return null;
    }
  }

  /** The cached models, largest first. */
  async list(): Promise<CachedModelInfo[]> {
    const found: CachedModelInfo[] = [];
    for (const key of await this.#root.directories()) {
      const folder = await this.#root.directory(key);
      const manifest = await readManifest(folder);
      let [bytes, lastUsed] = [0, 0];
      for (const name of await folder.list()) {
        const source = await folder.open(name);
        bytes += source.size;
        if (name === USED)
          lastUsed = Number(new TextDecoder().decode(await source.read(0, source.size))) || 0;
      }
      const { base = null, doubleQuant = false, complete = false } = manifest ?? {};
      found.push({ key, base, doubleQuant, bytes, lastUsed, complete });
    }
    return found.sort((a, b) => b.bytes - a.bytes);
  }

  /** Removes one of them; a run that reads it continues if the system allows it. Throws `storage.busy` if not. */
  async remove(key: string): Promise<void> {
    await this.#root.removeDirectory(key);
  }
}

async function keyOf(identity: string, doubleQuant: boolean): Promise<string> {
  const text = JSON.stringify([VERSION, 'nf4', doubleQuant, identity]);
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return hexOf(new Uint8Array(digest)).slice(0, 40);
}
