import { Checkpoint } from '../../../../content/formats/checkpoint.ts';
import { openSafetensors } from '../../../../content/formats/safetensors.ts';
import { safetensorsLayout, type TensorEntry } from '../../../../content/formats/safetensorsLayout.ts';
import { readJsonObject, writeText } from '../../../../content/formats/text.ts';
import type { Gpu } from '../../../gpu/device.ts';
import { readInPieces } from '../../../gpu/transfer.ts';
import type { Weight } from '../../../kernels/weight.ts';
import { GraftError } from '../../../../base/lib/errors.ts';
import type { Directory } from '../../../../base/storage/types.ts';
import { cachedRangesOf } from './cachedTensors.ts';

/** Bytes read back from the GPU at a time. */
const PIECE = 1024 * 1024;

/** Names the file that holds the weights, and whether it is complete. */
export const MANIFEST = 'weights.json';

/** Contents of the manifest. */
export interface CachedManifest {
  /** The model's name, to show to users. */
  base: string;
  doubleQuant: boolean;
  file: string;
  complete: boolean;
}

/** A file that is being written. */
interface Draft {
  name: string;
  /** Offset of each tensor in it. */
  starts: ReadonlyMap<string, number>;
  size: number;
  /** Matrices that are still missing. */
  missing: Set<string>;
}

/**
 * The cached 4-bit weights of one model, in its own folder on disk: written matrix by matrix while a first run
 * quantizes them, read by every later load. Failures to write are reported, and the run continues without the cache.
 */
export class CachedModel {
  readonly #folder: Directory;
  readonly #about: Pick<CachedManifest, 'base' | 'doubleQuant'>;
  /** Entries of each matrix, by the name of its weight. */
  readonly #entries: ReadonlyMap<string, readonly TensorEntry[]>;
  readonly #onProblem: (error: unknown) => void;
  #checkpoint: Checkpoint | null = null;
  #draft: Draft | null = null;
  #gaveUp = false;

  constructor(
    folder: Directory,
    about: Pick<CachedManifest, 'base' | 'doubleQuant'>,
    entries: ReadonlyMap<string, readonly TensorEntry[]>,
    onProblem: (error: unknown) => void,
  ) {
    this.#folder = folder;
    this.#about = about;
    this.#entries = entries;
    this.#onProblem = onProblem;
  }

  /** Opens the cache if it is complete; otherwise it counts as empty. */
  async open(): Promise<void> {
    const manifest = await readManifest(this.#folder);
    if (!manifest?.complete) return;
    try {
      const file = await openSafetensors(await this.#folder.open(manifest.file));
      const expected = [...this.#entries.values()].flat();
      const same = expected.every(({ name, dtype, shape }) => {
        const info = file.tensors.get(name);
        return info?.dtype === dtype && info.shape.join() === shape.join();
      });
      if (same && file.tensors.size === expected.length) this.#checkpoint = new Checkpoint('', [file]);
    } catch (error) {
      if (!(error instanceof GraftError)) throw error;
    }
  }

  /** The 4-bit weights, once complete: the tensors of `cachedEntries`. */
  get checkpoint(): Checkpoint | null {
    return this.#checkpoint;
  }

  /** Bytes to read when everything is loaded, from `base` and from the cache. */
  bytesToRead(base: Checkpoint): number {
    if (!this.#checkpoint) return base.totalBytes;
    let bytes = base.totalBytes + this.#checkpoint.totalBytes;
    for (const tensor of this.#entries.keys()) {
      const { begin, end } = base.get(tensor).info;
      bytes -= end - begin;
    }
    return bytes;
  }

  /** Discards the checkpoint, since it cannot be read: the cache counts as empty from now on. */
  forget(error: unknown): void {
    if (this.#checkpoint) this.#onProblem(error);
    this.#checkpoint = null;
    this.#gaveUp = true;
  }

  /**
   * Saves a matrix that was just quantized; its commands must be submitted. The last one completes the cache.
   * @param checkAlive throws if the matrix is no longer on the GPU
   */
  async save(gpu: Gpu, tensor: string, weight: Weight, checkAlive: () => void): Promise<void> {
    if (gpu.dry || this.#gaveUp || this.#checkpoint || !this.#entries.has(tensor)) return;
    try {
      this.#draft ??= await this.#begin();
      if (!this.#draft.missing.has(tensor)) return;
      await this.#write(this.#draft, gpu, tensor, weight, checkAlive);
      this.#draft.missing.delete(tensor);
      if (this.#draft.missing.size === 0) await this.#finish(this.#draft);
    } catch (error) {
      gpu.throwIfFailed();
      checkAlive();
      this.#gaveUp = true;
      await this.#removeDraft();
      this.#onProblem(error);
    }
  }

  async #begin(): Promise<Draft> {
    // Others may be writing too: each writes its own file, and the manifest names the valid one.
    const name = `weights-${crypto.randomUUID()}.safetensors`;
    await writeManifest(this.#folder, { ...this.#about, file: name, complete: false });
    for (const left of await this.#folder.list()) {
      if (left !== MANIFEST) await this.#folder.remove(left).catch(() => undefined);
    }
    const layout = safetensorsLayout([...this.#entries.values()].flat());
    const starts = new Map<string, number>();
    let at = layout.header.byteLength;
    for (const { name: entry, byteLength } of layout.tensors) {
      starts.set(entry, at);
      at += byteLength;
    }
    const draft = { name, starts, size: at, missing: new Set(this.#entries.keys()) };
    this.#draft = draft;
    const file = await this.#folder.edit(name);
    try {
      await file.write(0, layout.header);
      await file.truncate(at);
    } finally {
      await file.close();
    }
    return draft;
  }

  async #write(
    { name, starts, size }: Draft,
    gpu: Gpu,
    tensor: string,
    weight: Weight,
    checkAlive: () => void,
  ): Promise<void> {
    const file = await this.#folder.edit(name);
    try {
      // If it was removed meanwhile, this has just recreated it.
      if ((await file.size()) !== size) {
        throw new GraftError('storage.changed', { file: name, detail: 'it was removed' });
      }
      for (const chunk of weight.chunks) {
        for (const range of cachedRangesOf(tensor, chunk)) {
          let at = starts.get(range.name)! + range.at;
          checkAlive();
          for await (const bytes of readInPieces(gpu, range.from, PIECE)) {
            await file.write(at, bytes);
            at += bytes.byteLength;
            checkAlive();
          }
        }
      }
    } finally {
      await file.close();
    }
  }

  /** The manifest is written last: after a crash, nothing looks complete. */
  async #finish({ name, size }: Draft): Promise<void> {
    const file = await this.#folder.edit(name);
    try {
      // Another process that quantizes the same model has removed it: its manifest stays.
      if ((await file.size()) !== size)
        throw new GraftError('storage.changed', { file: name, detail: 'it was removed' });
      await file.flush();
    } finally {
      await file.close();
    }
    await writeManifest(this.#folder, { ...this.#about, file: name, complete: true });
    this.#draft = null;
    await this.open();
  }

  async #removeDraft(): Promise<void> {
    if (this.#draft) await this.#folder.remove(this.#draft.name).catch(() => undefined);
    this.#draft = null;
  }
}

/** The manifest of a folder; null if there is no valid one. */
export async function readManifest(folder: Directory): Promise<CachedManifest | null> {
  try {
    const { base, doubleQuant, file, complete } = await readJsonObject(folder, MANIFEST);
    const valid = typeof base === 'string' && typeof file === 'string';
    return valid ? { base, doubleQuant: doubleQuant === true, file, complete: complete === true } : null;
  } catch (error) {
    // Missing, or truncated by a crash.
    if (error instanceof GraftError) return null;
    throw error;
  }
}

async function writeManifest(folder: Directory, manifest: CachedManifest): Promise<void> {
  await writeText(folder, MANIFEST, `${JSON.stringify(manifest, null, 2)}\n`);
}
