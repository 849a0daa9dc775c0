import { writeText } from '../../formats/text.ts';
import { hexOf } from '../../lib/bytes.ts';
import type { Directory } from '../../storage/types.ts';
import type { ModelFiles } from '../openModel.ts';
import { baseIdentity } from './baseIdentity.ts';
import { DerivedModel, readManifest } from './derivedModel.ts';
import { derivedEntries, quantizedMatrices } from './derivedTensors.ts';

/** Of what is stored and how: files of another version are not looked at. */
const VERSION = 1;

/** When it was used last, as milliseconds since 1970. */
const USED = 'used';

/** 4-bit weights of a model that are kept on disk. */
export interface DerivedInfo {
  key: string;
  /** Name of the model, for people; null where nobody can tell any more. */
  base: string | null;
  doubleQuant: boolean;
  /** Bytes on disk. */
  bytes: number;
  /** Milliseconds since 1970; 0 where it was never used again. */
  lastUsed: number;
  /** Whether a load can use them: else a first run is writing them, or ended before it had. */
  complete: boolean;
}

/**
 * What QLoRA makes of 16-bit models, kept on disk so that the next load reads about a quarter of the bytes: a folder for
 * each model and kind of quantization, named by what identifies both.
 */
export class DerivedWeights {
  readonly #root: Directory;
  readonly #onProblem: (error: unknown) => void;
  readonly #now: () => number;

  /** @param onProblem told why weights were not kept, such as a full disk; loading goes on */
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
   * The 4-bit weights of a model, or room for them. Null where nothing of it is quantized, where its files cannot be told
   * from others, and where the disk refuses.
   */
  async open(files: ModelFiles, { doubleQuant }: { doubleQuant: boolean }): Promise<DerivedModel | null> {
    const matrices = quantizedMatrices(files);
    if (matrices.length === 0) return null;
    try {
      const identity = await baseIdentity(files.checkpoint);
      if (identity === null) return null;
      const folder = await this.#root.directory(await keyOf(identity, doubleQuant));
      const entries = new Map(matrices.map((matrix) => [matrix.tensor, derivedEntries(matrix, doubleQuant)]));
      const about = { base: files.folder.name, doubleQuant };
      const model = new DerivedModel(folder, about, entries, this.#onProblem);
      await model.open();
      if (model.checkpoint) await writeText(folder, USED, String(this.#now()));
      return model;
    } catch (error) {
      this.#onProblem(error);
      return null;
    }
  }

  /** What is kept, the largest first. */
  async list(): Promise<DerivedInfo[]> {
    const found: DerivedInfo[] = [];
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

  /** Removes one of them; a run that reads it goes on where the system lets it. Throws `storage.busy` where not. */
  async remove(key: string): Promise<void> {
    await this.#root.removeDirectory(key);
  }
}

async function keyOf(identity: string, doubleQuant: boolean): Promise<string> {
  const text = JSON.stringify([VERSION, 'nf4', doubleQuant, identity]);
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return hexOf(new Uint8Array(digest)).slice(0, 40);
}
