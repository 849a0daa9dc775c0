import { Checkpoint } from '../../formats/checkpoint.ts';
import { openSafetensors } from '../../formats/safetensors.ts';
import { safetensorsLayout, type TensorEntry } from '../../formats/safetensorsLayout.ts';
import { readJsonObject, writeText } from '../../formats/text.ts';
import type { Gpu } from '../../gpu/device.ts';
import { readInPieces } from '../../gpu/transfer.ts';
import type { Weight } from '../../kernels/weight.ts';
import { GraftError } from '../../lib/errors.ts';
import type { Directory } from '../../storage/types.ts';
import { placesOf } from './derivedTensors.ts';

/** What is read back from the GPU at once. */
const PIECE = 1024 * 1024;

/** Says which file of the folder holds the weights, and whether all of them are in it. */
export const MANIFEST = 'weights.json';

/** What the manifest says. */
export interface DerivedManifest {
  /** The model's name, for people. */
  base: string;
  doubleQuant: boolean;
  file: string;
  complete: boolean;
}

/** A file that is being written. */
interface Draft {
  name: string;
  /** Where each tensor begins in it. */
  starts: ReadonlyMap<string, number>;
  size: number;
  /** Matrices that are not in it yet. */
  missing: Set<string>;
}

/**
 * The 4-bit weights of one model on disk, in a folder of its own: written matrix by matrix while a first run quantizes
 * them, read by every later load. Writing is a favour: what goes wrong with it is told, and the run goes on without.
 */
export class DerivedModel {
  readonly #folder: Directory;
  readonly #about: Pick<DerivedManifest, 'base' | 'doubleQuant'>;
  /** Entries of each matrix, by the name of its weight. */
  readonly #entries: ReadonlyMap<string, readonly TensorEntry[]>;
  readonly #onProblem: (error: unknown) => void;
  #checkpoint: Checkpoint | null = null;
  #draft: Draft | null = null;
  #gaveUp = false;

  constructor(
    folder: Directory,
    about: Pick<DerivedManifest, 'base' | 'doubleQuant'>,
    entries: ReadonlyMap<string, readonly TensorEntry[]>,
    onProblem: (error: unknown) => void,
  ) {
    this.#folder = folder;
    this.#about = about;
    this.#entries = entries;
    this.#onProblem = onProblem;
  }

  /** Opens what is complete; anything else counts as not there. */
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

  /** Where the 4-bit weights are, once all of them are there: tensors as `derivedEntries` has them. */
  get checkpoint(): Checkpoint | null {
    return this.#checkpoint;
  }

  /** Bytes that a load of everything reads, of its `base` and from here. */
  bytesToRead(base: Checkpoint): number {
    if (!this.#checkpoint) return base.totalBytes;
    let bytes = base.totalBytes + this.#checkpoint.totalBytes;
    for (const tensor of this.#entries.keys()) {
      const { begin, end } = base.get(tensor).info;
      bytes -= end - begin;
    }
    return bytes;
  }

  /** Says that what `checkpoint` has cannot be read: it counts as not there from now on. */
  forget(error: unknown): void {
    if (this.#checkpoint) this.#onProblem(error);
    this.#checkpoint = null;
    this.#gaveUp = true;
  }

  /**
   * Keeps a matrix that was just quantized; its commands must be submitted. The last one makes all of them appear.
   * @param checkAlive throws where the matrix is no longer on the GPU
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
    // Another owner may be writing too: each has a file of its own, and the manifest tells which one counts.
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
      // Removed meanwhile, it would have been made anew just now.
      if ((await file.size()) !== size) {
        throw new GraftError('storage.changed', { file: name, detail: 'it was removed' });
      }
      for (const chunk of weight.chunks) {
        for (const place of placesOf(tensor, chunk)) {
          let at = starts.get(place.name)! + place.at;
          checkAlive();
          for await (const bytes of readInPieces(gpu, place.from, PIECE)) {
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

  /** The manifest is written when all else is on disk: a crash before leaves nothing that looks complete. */
  async #finish({ name }: Draft): Promise<void> {
    const file = await this.#folder.edit(name);
    try {
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

/** The manifest of a folder; null where there is none that holds. */
export async function readManifest(folder: Directory): Promise<DerivedManifest | null> {
  try {
    const { base, doubleQuant, file, complete } = await readJsonObject(folder, MANIFEST);
    const valid = typeof base === 'string' && typeof file === 'string';
    return valid ? { base, doubleQuant: doubleQuant === true, file, complete: complete === true } : null;
  } catch (error) {
    // Not there, or cut off by a crash.
    if (error instanceof GraftError) return null;
    throw error;
  }
}

async function writeManifest(folder: Directory, manifest: DerivedManifest): Promise<void> {
  await writeText(folder, MANIFEST, `${JSON.stringify(manifest, null, 2)}\n`);
}
