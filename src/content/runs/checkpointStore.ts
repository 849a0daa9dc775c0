import * as v from 'valibot';
import { GraftError } from '../../base/lib/errors.ts';
import { serial } from '../../base/lib/serial.ts';
import { bytesSource } from '../../base/storage/byteSource.ts';
import type { Directory } from '../../base/storage/types.ts';
import { chunksOf, storedFileSchema, type ChunkStore, type StoredFile } from './chunkStore.ts';
import type { Fence } from './fence.ts';
import { Slots, type SlotsFound } from './slots.ts';
import type { CheckpointData } from './types.ts';

/** Attempts at reading while the owner saves further checkpoints. */
const ATTEMPTS = 3;

const entrySchema = v.object({
  step: v.pipe(v.number(), v.integer(), v.minValue(0)),
  /** Milliseconds since 1970. */
  savedAt: v.number(),
  evalLoss: v.nullable(v.number()),
  /** Never removed. */
  pinned: v.boolean(),
  /** False once what only a resume needs was removed. */
  resumable: v.boolean(),
  state: storedFileSchema,
  files: v.array(v.object({ forResume: v.boolean(), stored: storedFileSchema })),
});

/** A checkpoint in the manifest. */
export type CheckpointEntry = v.InferOutput<typeof entrySchema>;

const manifestSchema = v.object({ checkpoints: v.array(entrySchema) });

/** The list of a run's checkpoints, the oldest step first. */
export interface Manifest {
  checkpoints: readonly CheckpointEntry[];
}

/** Reads a manifest. Throws valibot's error. */
export function parseManifest(json: unknown): Manifest {
  const { checkpoints } = v.parse(manifestSchema, json);
  return { checkpoints: checkpoints.sort((a, b) => a.step - b.step) };
}

/** A checkpoint in a list. */
export interface CheckpointInfo {
  step: number;
  savedAt: number;
  evalLoss: number | null;
  pinned: boolean;
  /** It has the lowest evaluation loss of those stored. */
  best: boolean;
  resumable: boolean;
  /** Bytes of its files; checkpoints may share some. */
  bytes: number;
}

/** Damage found before an intact checkpoint. */
export interface Damage {
  /** Of the checkpoint that was passed over; null for a list of checkpoints that could not be read. */
  step: number | null;
  /** The part at fault. */
  file: string;
}

/** A checkpoint that was read and verified. */
export interface LoadedCheckpoint {
  /** Null where none was ever committed: the run starts from its beginning. */
  info: CheckpointInfo | null;
  checkpoint: CheckpointData | null;
  /** Empty, unless something newer was damaged (or cut off while it was being written) and this is an earlier state. */
  passedOver: Damage[];
}

export interface CheckpointStoreOptions {
  /** For messages: the run's name. */
  run: string;
  /** How many of the last checkpoints stay, at least two: when the newest is damaged, there is one before it. */
  keep?: number;
  /** Chunks of other files in the same folder, which must stay. */
  otherFiles?: () => readonly StoredFile[];
  /** Of the run's owner; null for a folder that nobody else knows, and to read. */
  fence?: Fence | null;
  now?: () => number;
}

/** A run's stored checkpoints: the last few, the best by evaluation loss, and the pinned ones. */
export class CheckpointStore {
  readonly #chunks: ChunkStore;
  readonly #slots: Slots<Manifest>;
  readonly #options: Required<CheckpointStoreOptions>;
  #entries: readonly CheckpointEntry[] = [];
  /** The list on disk may be newer than the known one: until another is written, nothing that it names is removed. */
  #uncertain = false;
  /** One change at a time. */
  readonly #inTurn = serial();

  private constructor(chunks: ChunkStore, slots: Slots<Manifest>, options: CheckpointStoreOptions) {
    this.#chunks = chunks;
    this.#slots = slots;
    this.#options = { keep: 2, otherFiles: () => [], fence: null, now: Date.now, ...options };
  }

  /** The checkpoints of a new run: `begin` makes their list. */
  static create(directory: Directory, chunks: ChunkStore, options: CheckpointStoreOptions): CheckpointStore {
    const slots = new Slots(directory, 'checkpoints', parseManifest, options.fence);
    return new CheckpointStore(chunks, slots, options);
  }

  /** The checkpoints in `directory`, whose chunks are in `chunks`. Throws what reading throws. */
  static async open(
    directory: Directory,
    chunks: ChunkStore,
    options: CheckpointStoreOptions,
  ): Promise<CheckpointStore> {
    const store = CheckpointStore.create(directory, chunks, options);
    const found = await store.#slots.read();
    store.#entries = newestOf(found);
    store.#uncertain = found.unreadable.length > 0;
    return store;
  }

  /** The stored checkpoints, the oldest step first. */
  list(): CheckpointInfo[] {
    return this.#entries.map((entry) => this.#info(entry));
  }

  /** As the manifest has them, for an export. */
  get entries(): readonly CheckpointEntry[] {
    return this.#entries;
  }

  /**
   * Saves a checkpoint. When this resolves it is committed: on disk, read back, and in the list; whatever happens before
   * leaves what was committed earlier. Checkpoints of this step and later ones are removed: the run resumed before them.
   * Throws `runs.taken_over`, `runs.not_written`, `storage.quota` and what else the directory or the files throw.
   */
  save(data: CheckpointData, evalLoss: number | null = null): Promise<CheckpointInfo> {
    return this.#inTurn(async () => {
      const { step } = data;
      const text = new TextEncoder().encode(JSON.stringify(data.state ?? null));
      await this.#options.fence?.check();
      let entry: CheckpointEntry;
      try {
        const state = await this.#chunks.put(bytesSource('state', text));
        const files = [];
        for (const file of data.files) {
          files.push({ forResume: file.forResume ?? false, stored: await this.#chunks.put(file) });
        }
        const savedAt = this.#options.now();
        entry = { step, savedAt, evalLoss, pinned: false, resumable: true, state, files };
      } catch (error) {
        // Whoever owns the run now removes chunks that it does not know.
        await this.#options.fence?.check();
        // Frees the chunks that were written in vain.
        await this.#collect().catch(() => undefined);
        throw error;
      }
      await this.#commit(this.#retained([...this.#entries.filter((other) => other.step < step), entry]));
      return this.#info(entry);
    });
  }

  /** Writes the list of a new run (empty, or as imported): later a missing list means a damaged one. */
  begin(entries: readonly CheckpointEntry[] = []): Promise<void> {
    return this.#inTurn(() => this.#commit(entries));
  }

  /**
   * The checkpoint to resume from: the newest that is intact, or that of `step`. All its bytes were read and verified.
   * Throws `runs.none_left`, `runs.no_such_step`, and for `step` `runs.damaged`.
   */
  load(step?: number): Promise<LoadedCheckpoint> {
    return this.#inTurn(async () => {
      for (let attempt = 1; ; attempt++) {
        const found = await this.#slots.read();
        const loading = step === undefined ? this.#loadNewest(found) : this.#loadStep(found, step);
        const outcome = await loading.catch((error: unknown) => ({ error }));
        if (!('error' in outcome) && outcome.passedOver.length === 0) return outcome;
        // Where this is not the run's owner, the owner may have saved meanwhile and removed what was being read.
        const [current, read] = [(await this.#slots.read()).values[0], found.values[0]];
        const isSame = current?.sequence === read?.sequence && current?.term.letters === read?.term.letters;
        if (!isSame && attempt < ATTEMPTS) continue;
        if ('error' in outcome) throw outcome.error;
        return outcome;
      }
    });
  }

  /** Pins a checkpoint, so that it is never removed, or unpins it. Throws `runs.no_such_step`. */
  pin(step: number, pinned: boolean): Promise<void> {
    return this.#inTurn(async () => {
      const { run } = this.#options;
      if (!this.#entries.some((entry) => entry.step === step))
        throw new GraftError('runs.no_such_step', { run, step });
      await this.#commit(this.#entries.map((entry) => (entry.step === step ? { ...entry, pinned } : entry)));
    });
  }

  /** Removes the checkpoints after a step, when a run resumes from an earlier one. */
  rewind(step: number): Promise<void> {
    return this.#inTurn(() => this.#commit(this.#entries.filter((entry) => entry.step <= step)));
  }

  /** Removes what only a resume needs from all checkpoints: their adapters stay. */
  dropResume(): Promise<void> {
    const dropped = (entry: CheckpointEntry): CheckpointEntry => ({
      ...entry,
      resumable: false,
      files: entry.files.filter(({ forResume }) => !forResume),
    });
    return this.#inTurn(() => this.#commit(this.#entries.map(dropped)));
  }

  /** Removes what a crash left half written. */
  collect(): Promise<void> {
    return this.#inTurn(() => this.#collect());
  }

  async #loadNewest(found: SlotsFound<Manifest>): Promise<LoadedCheckpoint> {
    const passedOver: Damage[] = found.unreadable.map((file) => ({ step: null, file }));
    const seen = new Set<string>();
    for (const { value } of found.values) {
      for (const entry of value.checkpoints.toReversed()) {
        // The older list has most of the checkpoints too.
        const key = JSON.stringify([entry.step, entry.state, entry.files]);
        if (seen.has(key) || !entry.resumable) continue;
        seen.add(key);
        const checkpoint = await this.#verified(entry, passedOver);
        if (!checkpoint) continue;
        const gone = new Set([entry.step, ...passedOver.map((damage) => damage.step)]);
        const others = newestOf(found).filter((other) => !gone.has(other.step));
        this.#entries = [...others, entry].sort((a, b) => a.step - b.step);
        return { info: this.#info(entry), checkpoint, passedOver };
      }
      // What only an older list has was removed on purpose.
      if (!passedOver.some((damage) => damage.step !== null)) break;
    }
    const steps = new Set(passedOver.flatMap((damage) => damage.step ?? []));
    if (passedOver.length === 0 || (steps.size === 0 && found.values.length > 0))
      return { info: null, checkpoint: null, passedOver };
    const { file } = passedOver.find((damage) => damage.step !== null) ?? passedOver[0]!;
    throw new GraftError('runs.none_left', { run: this.#options.run, count: steps.size, file });
  }

  async #loadStep(found: SlotsFound<Manifest>, step: number): Promise<LoadedCheckpoint> {
    const entry = newestOf(found).find((one) => one.step === step);
    if (!entry) throw new GraftError('runs.no_such_step', { run: this.#options.run, step });
    const checkpoint = await this.#verify(entry);
    return { info: this.#info(entry), checkpoint, passedOver: [] };
  }

  async #verified(entry: CheckpointEntry, passedOver: Damage[]): Promise<CheckpointData | null> {
    try {
      return await this.#verify(entry);
    } catch (error) {
      if (!(error instanceof GraftError && error.code === 'runs.damaged')) throw error;
      passedOver.push({ step: entry.step, file: String(error.params.file) });
      return null;
    }
  }

  /** Throws `runs.damaged`. */
  async #verify({ step, state, files }: CheckpointEntry): Promise<CheckpointData> {
    for (const { stored } of [{ stored: state }, ...files]) await this.#chunks.verify(stored);
    const text = await this.#chunks.open(state).read(0, state.size);
    return {
      step,
      state: JSON.parse(new TextDecoder().decode(text)) as unknown,
      files: files.map(({ forResume, stored }) => ({ ...this.#chunks.open(stored), forResume })),
    };
  }

  /** The last few, the best and the pinned. */
  #retained(entries: readonly CheckpointEntry[]): CheckpointEntry[] {
    const last = entries.slice(-Math.max(2, this.#options.keep));
    const best = bestOf(entries);
    return entries.filter((entry) => last.includes(entry) || entry.pinned || entry === best);
  }

  async #commit(entries: readonly CheckpointEntry[]): Promise<void> {
    this.#uncertain = true;
    await this.#slots.write({ checkpoints: entries });
    this.#uncertain = false;
    this.#entries = entries;
    // The state is safe; space that cannot be freed now is freed next time.
    await this.#collect().catch(() => undefined);
  }

  async #collect(): Promise<void> {
    if (this.#uncertain) return;
    const files = this.#entries.flatMap((entry) => [entry.state, ...entry.files.map(({ stored }) => stored)]);
    const { otherFiles, fence } = this.#options;
    await this.#chunks.collect(chunksOf([...files, ...otherFiles()]), async () => fence?.check());
  }

  #info(entry: CheckpointEntry): CheckpointInfo {
    const { step, savedAt, evalLoss, pinned, resumable, state, files } = entry;
    const bytes = files.reduce((sum, { stored }) => sum + stored.size, state.size);
    const best = bestOf(this.#entries)?.step === step;
    return { step, savedAt, evalLoss, pinned, best, resumable, bytes };
  }
}

function newestOf(found: SlotsFound<Manifest>): readonly CheckpointEntry[] {
  return found.values[0]?.value.checkpoints ?? [];
}

/** The entry with the least evaluation loss, the earliest of equals; null where none was evaluated. */
function bestOf(entries: readonly CheckpointEntry[]): CheckpointEntry | null {
  return entries.reduce<CheckpointEntry | null>((best, entry) => {
    if (entry.evalLoss === null || Number.isNaN(entry.evalLoss)) return best;
    return best === null || entry.evalLoss < best.evalLoss! ? entry : best;
  }, null);
}
