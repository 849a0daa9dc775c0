import { createContentHash } from '../lib/contentHash.ts';
import { GraftError } from '../lib/errors.ts';
import type { ByteSource, Directory, Locks } from '../storage/types.ts';
import { CheckpointStore } from './checkpointStore.ts';
import { ChunkStore, type StoredFile } from './chunkStore.ts';
import { RUN_FORMAT, type RunChange, type RunHeader } from './header.ts';
import { becomeOwner, isOwned, OWNER_WAIT_MS } from './ownership.ts';
import { chunkFolder, headerSlots, Run, type OpenRunOptions, type RunSize } from './run.ts';
import { CHUNK_BYTES } from './types.ts';

/** What a new run is given. */
export interface NewRun extends Pick<RunHeader, 'name' | 'recipe' | 'base' | 'kernels' | 'extra'> {
  data: Omit<RunHeader['data'], 'hash'>;
  /** The data set: its token rows (tokenRowFiles.ts), and perhaps a copy of its file. Names are unique. */
  files: readonly Pick<ByteSource, 'name' | 'size' | 'read'>[];
  totalSteps: number;
}

/** A run in the list of all. */
export interface RunSummary {
  id: string;
  /** Null where both copies are damaged: it can only be deleted. */
  header: RunHeader | null;
  /** It says that it is running, and somebody owns it; one that nobody owns was cut off. */
  busy: boolean;
}

export interface RunStoreOptions extends OpenRunOptions {
  newId?: () => string;
}

/** All runs of a browser or a folder, each in a folder of its own: `<id>/run.a, run.b, checkpoints.a, …, curves.log, chunks/`. */
export class RunStore {
  readonly #root: Directory;
  readonly #locks: Locks;
  readonly #options: Required<RunStoreOptions>;
  /** Those that are owned through this object. */
  readonly #open = new Map<string, Run>();

  /** @param root the folder `runs`; the locks must be of everybody who uses it */
  constructor(root: Directory, locks: Locks, options: RunStoreOptions = {}) {
    this.#root = root;
    this.#locks = locks;
    const now = options.now ?? Date.now;
    this.#options = { keep: 2, now, chunkBytes: CHUNK_BYTES, newId: () => newRunId(now()), ...options };
  }

  /**
   * Stores a new run, with its data, and gives it to its owner. Its state is `running`. Throws what writing throws; nothing
   * is left then.
   */
  async create(given: NewRun): Promise<Run> {
    const { name, recipe, base, kernels, extra, files, totalSteps } = given;
    const at = this.#options.now();
    return this.make(this.#options.newId(), async (id, directory, chunks) => {
      const stored: StoredFile[] = [];
      for (const file of files) stored.push(await chunks.put(file));
      await this.#checkpoints(directory, chunks, name, stored).begin();
      const data = { ...given.data, hash: await hashOf(stored) };
      const times = { createdAt: at, changedAt: at };
      const progress = { step: 0, totalSteps, loss: null, evalLoss: null, seconds: 0 };
      const start = { note: '', state: 'running', failure: null } as const;
      const what = { recipe, base, data, files: stored, kernels, progress, extra };
      return { format: RUN_FORMAT, id, name, ...start, ...times, ...what };
    });
  }

  /**
   * Makes a run of what `fill` stores; its header comes last, so that one that was cut off has never been. For `create` and
   * imports.
   */
  async make(
    id: string,
    fill: (id: string, directory: Directory, chunks: ChunkStore) => Promise<RunHeader>,
  ): Promise<Run> {
    const release = await becomeOwner(this.#locks, id, OWNER_WAIT_MS);
    if (!release) throw new GraftError('runs.in_use', { run: id });
    try {
      const directory = await this.#root.directory(id);
      const chunks = await ChunkStore.open(await directory.directory(chunkFolder), this.#options.chunkBytes);
      const header = await fill(id, directory, chunks);
      const slots = headerSlots(directory);
      // Into both slots: one alone that cannot be read is known to be of a run that never was.
      await slots.write(header);
      await slots.write(header);
      return await this.#opened(id, release);
    } catch (error) {
      await this.#root.removeDirectory(id).catch(() => undefined);
      await release();
      throw error;
    }
  }

  /**
   * Opens a run: as its owner, or after `waitMs` as a reader when another tab or process stays its owner.
   * Throws `runs.not_found`, `runs.header_damaged`.
   */
  async open(id: string, waitMs = OWNER_WAIT_MS): Promise<Run> {
    if (!(await this.#root.directories()).includes(id)) throw new GraftError('runs.not_found', { run: id });
    const release = await becomeOwner(this.#locks, id, waitMs);
    try {
      return await this.#opened(id, release);
    } catch (error) {
      await release?.();
      throw error;
    }
  }

  /** Opens a run to be looked at, whoever owns it, and waits for nobody. Throws `runs.not_found`, `runs.header_damaged`. */
  async look(id: string): Promise<Run> {
    if (!(await this.#root.directories()).includes(id)) throw new GraftError('runs.not_found', { run: id });
    return Run.open(await this.#root.directory(id), null, this.#options);
  }

  /** All runs, the newest first. Only their headers are read; what a crash left of a run that never began is removed. */
  async list(): Promise<RunSummary[]> {
    const found: RunSummary[] = [];
    for (const id of await this.#root.directories()) {
      const { values, unreadable } = await headerSlots(await this.#root.directory(id)).read();
      const header = values[0]?.value ?? null;
      if (header || unreadable.length === 2) {
        const busy = header?.state === 'running' && (await isOwned(this.#locks, id));
        found.push({ id, header, busy });
      } else await this.#removeUnbegun(id);
    }
    const time = ({ header }: RunSummary): number => header?.createdAt ?? 0;
    return found.sort((a, b) => time(b) - time(a) || (a.id < b.id ? 1 : -1));
  }

  /** Renames a run, adds a note, and the like. Throws `runs.in_use`, `runs.not_found`. */
  change(id: string, change: RunChange): Promise<void> {
    return this.#asOwner(id, (run) => run.change(change));
  }

  /** Keeps the adapters of a run and frees what only going on needs. Throws `runs.in_use`, `runs.not_found`. */
  dropResume(id: string): Promise<void> {
    return this.#asOwner(id, (run) => run.dropResume());
  }

  /** Keeps or no longer keeps a checkpoint. Throws `runs.in_use`, `runs.not_found`, `runs.no_such_step`. */
  pin(id: string, step: number, pinned: boolean): Promise<void> {
    return this.#asOwner(id, (run) => run.pin(step, pinned));
  }

  /** What a run takes. Throws `runs.not_found`, `runs.header_damaged`. */
  async size(id: string): Promise<RunSize> {
    return (await this.look(id)).size();
  }

  /** Deletes a run with all it holds. Throws `runs.in_use`, also where it is open here. */
  async remove(id: string): Promise<void> {
    await this.#locked(id, async () => {
      const directory = await this.#root.directory(id);
      // The headers first: a crash on the way leaves nothing that looks like a run.
      for (const file of await directory.list()) if (file.startsWith('run.')) await directory.remove(file);
      await this.#root.removeDirectory(id);
    });
  }

  /** A name that no run has yet; `wanted`, where that is free. */
  async freeId(wanted: string): Promise<string> {
    return (await this.#root.directories()).includes(wanted) ? this.#options.newId() : wanted;
  }

  #checkpoints(directory: Directory, chunks: ChunkStore, run: string, files: StoredFile[]): CheckpointStore {
    return CheckpointStore.create(directory, chunks, { run, otherFiles: () => files });
  }

  /** Removes what was cut off before it was a run, unless somebody is making it at this moment. */
  async #removeUnbegun(id: string): Promise<void> {
    const removing = this.#locked(id, async () => {
      const { values, unreadable } = await headerSlots(await this.#root.directory(id)).read();
      if (values.length === 0 && unreadable.length < 2) await this.#root.removeDirectory(id);
    });
    await removing.catch(() => undefined);
  }

  async #opened(id: string, release: (() => Promise<void>) | null): Promise<Run> {
    const run = await Run.open(await this.#root.directory(id), release, this.#options);
    if (release) this.#open.set(id, run);
    return run;
  }

  async #asOwner(id: string, work: (run: Run) => Promise<void>): Promise<void> {
    const open = this.#open.get(id);
    if (open?.owned) return work(open);
    const run = await this.open(id, 0);
    try {
      if (!run.owned) throw new GraftError('runs.in_use', { run: run.header.name });
      await work(run);
    } finally {
      await run.close();
    }
  }

  async #locked(id: string, work: () => Promise<void>): Promise<void> {
    const release = await becomeOwner(this.#locks, id, 0);
    if (!release) throw new GraftError('runs.in_use', { run: id });
    try {
      await work();
    } finally {
      await release();
    }
  }
}

/** `20260131-142500-3f9a2c`: sorted by time, and different in two tabs. */
export function newRunId(now: number): string {
  const time = new Date(now).toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
  const random = crypto.getRandomValues(new Uint32Array(1))[0]! & 0xffffff;
  return `${time}-${random.toString(16).padStart(6, '0')}`;
}

/** The hash of a data set by what its stored files hold. */
async function hashOf(files: readonly StoredFile[]): Promise<string> {
  return (await createContentHash())
    .update(JSON.stringify(files.map(({ name, size, chunks }) => [name, size, chunks])))
    .digest('hex');
}
