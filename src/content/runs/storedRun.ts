import { GraftError } from '../../base/lib/errors.ts';
import { serial } from '../../base/lib/serial.ts';
import type { Directory } from '../../base/storage/types.ts';
import { CheckpointStore, type CheckpointInfo, type LoadedCheckpoint } from './checkpointStore.ts';
import { chunksOf, ChunkStore, type StoredFile } from './chunkStore.ts';
import { curveBytes, CurveLog, readCurves, type CurveRecord, type Curves } from './curveLog.ts';
import type { Fence } from './fence.ts';
import { parseHeader, type RunChange, type RunHeader } from './header.ts';
import { Slots } from './slots.ts';
import { CHUNK_BYTES, type CheckpointData, type CheckpointFile } from './types.ts';

export interface OpenRunOptions {
  /** How many of the last checkpoints stay, at least two. */
  keep?: number;
  now?: () => number;
  /** The size of new chunks. */
  chunkBytes?: number;
}

/** Bytes of a run on disk. */
export interface RunSize {
  total: number;
  data: number;
  checkpoints: number;
  /** The part of the checkpoints that only a resume needs; `dropResume` frees it. */
  forResume: number;
  curves: number;
}

/** The slots of a run's header. */
export const headerSlots = (directory: Directory, fence: Fence | null = null): Slots<RunHeader> =>
  new Slots(directory, 'run', parseHeader, fence);

/** What the owner of an open run has. */
export interface RunOwnership {
  fence: Fence;
  release(): Promise<void>;
}

/** The folder of a run's chunks. */
export const chunkFolder = 'chunks';

/** A run on disk that was opened: by its owner, who may change it, or read-only. */
export class StoredRun {
  readonly directory: Directory;
  /** Null where another tab or process owns it. */
  readonly #ownership: RunOwnership | null;
  readonly #slots: Slots<RunHeader>;
  readonly #chunks: ChunkStore;
  readonly #checkpoints: CheckpointStore;
  readonly #log: CurveLog;
  readonly #now: () => number;
  #header: RunHeader;
  #closed = false;
  readonly #inTurn = serial();

  private constructor(
    directory: Directory,
    ownership: RunOwnership | null,
    parts: { slots: Slots<RunHeader>; chunks: ChunkStore; checkpoints: CheckpointStore; header: RunHeader },
    now: () => number,
  ) {
    this.directory = directory;
    this.#ownership = ownership;
    this.#slots = parts.slots;
    this.#chunks = parts.chunks;
    this.#checkpoints = parts.checkpoints;
    this.#header = parts.header;
    this.#now = now;
    this.#log = new CurveLog(directory, now, ownership?.fence);
  }

  /**
   * Opens the run in `directory`: RunStore.open, which knows whose it is. Opened by its owner, it is freed of what a crash left half written.
   * Throws `runs.header_damaged`, `runs.not_found`.
   */
  static async open(
    directory: Directory,
    ownership: RunOwnership | null,
    { keep = 2, now = Date.now, chunkBytes = CHUNK_BYTES }: OpenRunOptions = {},
  ): Promise<StoredRun> {
    const fence = ownership?.fence ?? null;
    const slots = headerSlots(directory, fence);
    const { values, unreadable } = await slots.read();
    const header = values[0]?.value;
    if (!header) {
      const code = unreadable.length > 0 ? 'runs.header_damaged' : 'runs.not_found';
      throw new GraftError(code, { run: directory.name });
    }
    const chunks = await ChunkStore.open(await directory.directory(chunkFolder), chunkBytes);
    if (fence) fence.run = header.name;
    const options = { run: header.name, keep, now, fence, otherFiles: () => header.files };
    const checkpoints = await CheckpointStore.open(directory, chunks, options);
    const run = new StoredRun(directory, ownership, { slots, chunks, checkpoints, header }, now);
    if (ownership) await checkpoints.collect().catch(() => undefined);
    return run;
  }

  get id(): string {
    return this.#header.id;
  }

  /** False where another tab or process owns it: then it is read-only, as it was when it was opened. */
  get owned(): boolean {
    return this.#ownership !== null && !this.#closed;
  }

  get header(): RunHeader {
    return this.#header;
  }

  /** Its checkpoints, the oldest step first. */
  get checkpoints(): CheckpointInfo[] {
    return this.#checkpoints.list();
  }

  /**
   * Changes the header; on disk when this resolves. Throws `runs.read_only`, `runs.taken_over`, `runs.not_written` and what
   * writing throws.
   */
  async change(change: RunChange): Promise<void> {
    this.#checkOwner();
    return this.#inTurn(async () => {
      const header = { ...this.#header, ...change, changedAt: this.#now() };
      await this.#slots.write(header);
      this.#header = header;
    });
  }

  /** Adds to the curves; on disk with the next checkpoint at the latest. Throws `runs.read_only`, `storage.quota`. */
  async record(record: CurveRecord): Promise<void> {
    this.#checkOwner();
    await this.#log.append(record);
  }

  /**
   * Commits a checkpoint, the curves up to it before. When this resolves it is safe. Whatever it throws, earlier checkpoints
   * are intact, and it can be tried again: `storage.quota` when the space is used up,
   * `runs.not_written`, `runs.read_only`; and `runs.taken_over` where another owner has the run by now, which has everything
   * that was committed before.
   */
  async save(data: CheckpointData, evalLoss: number | null = null): Promise<CheckpointInfo> {
    this.#checkOwner();
    await this.#log.flush();
    return this.#checkpoints.save(data, evalLoss);
  }

  /**
   * The checkpoint to resume from or to try: the newest that is intact, or that of `step`.
   * Throws `runs.none_left`, `runs.no_such_step`, for `step` `runs.damaged`.
   */
  load(step?: number): Promise<LoadedCheckpoint> {
    return this.#checkpoints.load(step);
  }

  /**
   * Records that the run resumes from a checkpoint (0: from the beginning): later checkpoints go, and what the curves have
   * of later steps. Throws `runs.read_only` and what writing throws.
   */
  async resumeFrom(step: number): Promise<void> {
    this.#checkOwner();
    if (this.checkpoints.some((one) => one.step > step)) await this.#checkpoints.rewind(step);
    await this.#log.append({ kind: 'resumed', step, at: this.#now() });
    await this.#log.flush();
  }

  /** Pins a checkpoint, so that it is never removed, or unpins it. Throws `runs.no_such_step`, `runs.read_only`. */
  async pin(step: number, pinned: boolean): Promise<void> {
    this.#checkOwner();
    await this.#checkpoints.pin(step, pinned);
  }

  /** Frees what only a resume needs; the adapters of all checkpoints stay. Throws `runs.read_only`. */
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
    const permanent = checkpointFiles.filter(({ forResume }) => !forResume).map(({ stored }) => stored);
    const all = checkpointFiles.map(({ stored }) => stored);
    const [data, checkpoints] = [bytesOf(this.#header.files), bytesOf(all)];
    const curves = (await curveBytes(this.directory)).byteLength;
    const forResume = checkpoints - bytesOf(permanent);
    return { total: data + checkpoints + curves, data, checkpoints, forResume, curves };
  }

  /** The contents of an export. */
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

  /** Resolves where the run is still owned here. Throws `runs.taken_over`, `runs.read_only`, `runs.closed`. */
  async checkOwner(): Promise<void> {
    this.#checkOwner();
    await this.#ownership!.fence.check();
  }

  /** Writes what is pending and gives up ownership. Closing twice is no error. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      await this.#inTurn(() => Promise.resolve());
      if (this.#ownership) await this.#log.flush();
    } finally {
      await this.#ownership?.release();
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
    if (!this.#ownership) throw new GraftError('runs.read_only', { run: this.#header.name });
  }
}
