import { GraftError } from '../lib/errors.ts';
import type { Directory } from '../storage/types.ts';
import { CheckpointStore, type CheckpointInfo, type LoadedCheckpoint } from './checkpointStore.ts';
import { chunksOf, ChunkStore, type StoredFile } from './chunkStore.ts';
import { curveBytes, CurveLog, readCurves, type CurveRecord, type Curves } from './curveLog.ts';
import { parseHeader, type RunChange, type RunHeader } from './header.ts';
import { Slots } from './slots.ts';
import { CHUNK_BYTES, type CheckpointData, type CheckpointFile } from './types.ts';

export interface OpenRunOptions {
  /** How many of the last checkpoints stay; two at the least. */
  keep?: number;
  now?: () => number;
  /** The size of new chunks. */
  chunkBytes?: number;
}

/** Bytes that a run takes. */
export interface RunSize {
  total: number;
  data: number;
  checkpoints: number;
  /** Of the checkpoints, what only going on needs: `dropResume` gives it back. */
  forResume: number;
  curves: number;
}

/** The slots of a run's header. */
export const headerSlots = (directory: Directory): Slots<RunHeader> =>
  new Slots(directory, 'run', parseHeader);

/** The folder of a run's chunks. */
export const chunkFolder = 'chunks';

/** A run that was opened. Its owner may change it; all others look at it. */
export class Run {
  readonly directory: Directory;
  /** Null where another tab or process owns it. */
  readonly #release: (() => Promise<void>) | null;
  readonly #slots: Slots<RunHeader>;
  readonly #chunks: ChunkStore;
  readonly #checkpoints: CheckpointStore;
  readonly #log: CurveLog;
  readonly #now: () => number;
  #header: RunHeader;
  #closed = false;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(
    directory: Directory,
    release: (() => Promise<void>) | null,
    parts: { slots: Slots<RunHeader>; chunks: ChunkStore; checkpoints: CheckpointStore; header: RunHeader },
    now: () => number,
  ) {
    this.directory = directory;
    this.#release = release;
    this.#slots = parts.slots;
    this.#chunks = parts.chunks;
    this.#checkpoints = parts.checkpoints;
    this.#header = parts.header;
    this.#now = now;
    this.#log = new CurveLog(directory, now);
  }

  /**
   * Opens the run in `directory`: RunStore.open, which knows whose it is. An owner removes what a crash left half written.
   * Throws `runs.header_damaged`, `runs.not_found`.
   */
  static async open(
    directory: Directory,
    release: (() => Promise<void>) | null,
    { keep = 2, now = Date.now, chunkBytes = CHUNK_BYTES }: OpenRunOptions = {},
  ): Promise<Run> {
    const slots = headerSlots(directory);
    const { values, unreadable } = await slots.read();
    const header = values[0]?.value;
    if (!header) {
      const code = unreadable.length > 0 ? 'runs.header_damaged' : 'runs.not_found';
      throw new GraftError(code, { run: directory.name });
    }
    const chunks = await ChunkStore.open(await directory.directory(chunkFolder), chunkBytes);
    const options = { run: header.name, keep, now, otherFiles: () => header.files };
    const checkpoints = await CheckpointStore.open(directory, chunks, options);
    const run = new Run(directory, release, { slots, chunks, checkpoints, header }, now);
    if (release) await checkpoints.collect().catch(() => undefined);
    return run;
  }

  get id(): string {
    return this.#header.id;
  }

  /** False where another tab or process owns it: then it can only be looked at, as it was when it was opened. */
  get owned(): boolean {
    return this.#release !== null && !this.#closed;
  }

  get header(): RunHeader {
    return this.#header;
  }

  /** Its checkpoints, the oldest step first. */
  get checkpoints(): CheckpointInfo[] {
    return this.#checkpoints.list();
  }

  /** Changes the header; on disk when this resolves. Throws `runs.read_only`, `runs.not_written` and what writing throws. */
  async change(change: RunChange): Promise<void> {
    this.#checkOwner();
    const writing = this.#last.then(async () => {
      const header = { ...this.#header, ...change, changedAt: this.#now() };
      await this.#slots.write(header);
      this.#header = header;
    });
    this.#last = writing.catch(() => undefined);
    return writing;
  }

  /** Adds to the curves; on disk with the next checkpoint at the latest. Throws `runs.read_only`, `storage.quota`. */
  async record(record: CurveRecord): Promise<void> {
    this.#checkOwner();
    await this.#log.append(record);
  }

  /**
   * Commits a checkpoint, the curves up to it before. When this resolves nothing of it can be lost any more. Whatever it
   * throws, the checkpoints of before are intact, and it can be tried again: `storage.quota` when the space is used up,
   * `runs.not_written`, `runs.read_only`.
   */
  async save(data: CheckpointData, evalLoss: number | null = null): Promise<CheckpointInfo> {
    this.#checkOwner();
    await this.#log.flush();
    return this.#checkpoints.save(data, evalLoss);
  }

  /**
   * The checkpoint to go on from, or to try: the newest that is intact, or that of `step`.
   * Throws `runs.none_left`, `runs.no_such_step`, for `step` `runs.damaged`.
   */
  load(step?: number): Promise<LoadedCheckpoint> {
    return this.#checkpoints.load(step);
  }

  /**
   * Says that the run goes on from a checkpoint (0: from the beginning): later checkpoints go, and what the curves tell of
   * later steps. Throws `runs.read_only` and what writing throws.
   */
  async resumeFrom(step: number): Promise<void> {
    this.#checkOwner();
    if (this.checkpoints.some((one) => one.step > step)) await this.#checkpoints.rewind(step);
    await this.#log.append({ kind: 'resumed', step, at: this.#now() });
    await this.#log.flush();
  }

  /** Keeps a checkpoint whatever comes after, or no longer. Throws `runs.no_such_step`, `runs.read_only`. */
  async pin(step: number, pinned: boolean): Promise<void> {
    this.#checkOwner();
    await this.#checkpoints.pin(step, pinned);
  }

  /** Frees what only going on needs; the adapters of all checkpoints stay. Throws `runs.read_only`. */
  async dropResume(): Promise<void> {
    this.#checkOwner();
    await this.#checkpoints.dropResume();
  }

  /** Its curves so far, as they are on disk; the owner's are written first. */
  async curves(): Promise<Curves> {
    if (this.owned) await this.#log.flush();
    return readCurves(this.directory);
  }

  /** A file of the data set that was stored with the run, verified. Null where there is none of that name. Throws `runs.data_damaged`. */
  async dataFile(name: string): Promise<CheckpointFile | null> {
    const stored = this.#header.files.find((file) => file.name === name);
    if (!stored) return null;
    return this.#verified(stored);
  }

  /** All files of the data set, verified. Throws `runs.data_damaged`. */
  async dataFiles(): Promise<CheckpointFile[]> {
    const files: CheckpointFile[] = [];
    for (const file of this.#header.files) files.push(await this.#verified(file));
    return files;
  }

  async size(): Promise<RunSize> {
    const checkpointFiles = this.#checkpoints.entries.flatMap(({ state, files }) => [
      { forResume: false, stored: state },
      ...files,
    ]);
    const bytesOf = (files: StoredFile[]): number =>
      [...chunksOf(files).values()].reduce((sum, bytes) => sum + bytes, 0);
    const kept = checkpointFiles.filter(({ forResume }) => !forResume).map(({ stored }) => stored);
    const all = checkpointFiles.map(({ stored }) => stored);
    const [data, checkpoints] = [bytesOf(this.#header.files), bytesOf(all)];
    const curves = (await curveBytes(this.directory)).byteLength;
    const forResume = checkpoints - bytesOf(kept);
    return { total: data + checkpoints + curves, data, checkpoints, forResume, curves };
  }

  /** Everything that an export consists of. */
  async parts() {
    const files = [
      ...this.#header.files,
      ...this.#checkpoints.entries.flatMap(({ state, files: own }) => [
        state,
        ...own.map(({ stored }) => stored),
      ]),
    ];
    if (this.owned) await this.#log.flush();
    return {
      header: this.#header,
      checkpoints: this.#checkpoints.entries,
      curves: await curveBytes(this.directory),
      files,
      chunks: this.#chunks,
    };
  }

  /** Writes what is still to be written, and lets another be the owner. Closing twice is no error. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      await this.#last;
      if (this.#release) await this.#log.flush();
    } finally {
      await this.#release?.();
    }
  }

  async #verified(file: StoredFile): Promise<CheckpointFile> {
    const { name: run } = this.#header;
    await this.#chunks.verify(file).catch((cause: unknown) => {
      const damaged = cause instanceof GraftError && cause.code === 'runs.damaged';
      throw damaged ? new GraftError('runs.data_damaged', { run, file: file.name }, { cause }) : cause;
    });
    return this.#chunks.open(file);
  }

  #checkOwner(): void {
    if (this.#closed) throw new GraftError('runs.closed', { run: this.#header.name });
    if (!this.#release) throw new GraftError('runs.read_only', { run: this.#header.name });
  }
}
