import { uniqueName } from '../../base/config/runName.ts';
import { createContentHash } from '../../base/lib/contentHash.ts';
import { GraftError } from '../../base/lib/errors.ts';
import { serial } from '../../base/lib/serial.ts';
import type { ByteSource, Directory, Locks, Owner } from '../../base/storage/types.ts';
import { CheckpointStore } from './checkpointStore.ts';
import { ChunkStore, type StoredFile } from './chunkStore.ts';
import { CurveLog, type CurveRecord } from './curveLog.ts';
import { Fence } from './fence.ts';
import { RUN_FORMAT, type RunChange, type RunHeader } from './header.ts';
import { becomeOwner, isOwned, OWNER_WAIT_MS } from './ownership.ts';
import {
  chunkFolder,
  headerSlots,
  StoredRun,
  type OpenRunOptions,
  type RunOwnership,
  type RunSize,
} from './storedRun.ts';
import { CHUNK_BYTES, type CheckpointData } from './types.ts';

/** The contents of a new run. */
export interface NewRun extends Pick<
  RunHeader,
  'name' | 'recipe' | 'base' | 'kernels' | 'activations' | 'elsewhere' | 'extra'
> {
  data: Omit<RunHeader['data'], 'hash'>;
  /** The data set: its token rows (tokenRowFiles.ts), and perhaps a copy of its file. Names are unique. */
  files: readonly Pick<ByteSource, 'name' | 'size' | 'read'>[];
  totalSteps: number;
  /** Of a run that is stored with what was done of it elsewhere; absent of one that begins. */
  reached?: ReachedState;
}

/** How far a new run is. */
export interface ReachedState {
  state: RunHeader['state'];
  progress: Omit<RunHeader['progress'], 'totalSteps'>;
  records: readonly CurveRecord[];
  /** Null before its first step. */
  checkpoint: CheckpointData | null;
  /** At the checkpoint. */
  evalLoss: number | null;
}

/** A run in the list. */
export interface RunSummary {
  id: string;
  /** Null where both copies are damaged: it can only be deleted. */
  header: RunHeader | null;
  /** Its status is `running` and a tab or process owns it; without an owner it was interrupted. */
  busy: boolean;
}

export interface RunStoreOptions extends OpenRunOptions {
  newId?: () => string;
}

/**
 * All runs of a browser or a folder, each in its own folder: `<id>/owner.TERM, run.TERM.a, run.TERM.b, checkpoints.TERM.a, …,
 * curves.TERM.log, chunks/`. The lock of a run lies beside its folder, so that a run is removed under it.
 */
export class RunStore {
  readonly #root: Directory;
  readonly #locks: Locks;
  readonly #options: Required<RunStoreOptions>;
  /** Runs owned through this object. */
  readonly #open = new Map<string, StoredRun>();
  /** One change at a time: two fields of a form that are saved at once would find the run in use by each other. */
  readonly #inTurn = serial();

  /** @param root the folder `runs`; the locks must be shared by all who use it */
  constructor(root: Directory, locks: Locks, options: RunStoreOptions = {}) {
    this.#root = root;
    this.#locks = locks;
    const now = options.now ?? Date.now;
    this.#options = { keep: 2, now, chunkBytes: CHUNK_BYTES, newId: () => newRunId(now()), ...options };
  }

  /**
   * Stores a new run, with its data, and becomes its owner. Its state is `running`, unless it is given. Throws what writing
   * throws; nothing is left then, nor where it is cut off.
   */
  async create(given: NewRun): Promise<StoredRun> {
    const { name, recipe, base, kernels, activations, elsewhere, extra, files, totalSteps, reached } = given;
    const { now } = this.#options;
    const at = now();
    return this.make(this.#options.newId(), async (id, directory, chunks, fence) => {
      const stored: StoredFile[] = [];
      for (const file of files) stored.push(await chunks.put(file));
      const options = { run: name, fence, otherFiles: () => stored };
      const checkpoints = CheckpointStore.create(directory, chunks, options);
      await checkpoints.begin();
      if (reached) {
        const log = new CurveLog(directory, now, fence);
        for (const record of reached.records) await log.append(record);
        await log.flush();
        if (reached.checkpoint) await checkpoints.save(reached.checkpoint, reached.evalLoss);
      }
      const data = { ...given.data, hash: await hashOf(stored) };
      const times = { createdAt: at, changedAt: at };
      const begun = { step: 0, loss: null, evalLoss: null, seconds: 0 };
      const progress = { ...begun, ...reached?.progress, totalSteps };
      const state = reached?.state ?? 'running';
      const start = { note: '', tags: [], state, failure: null } satisfies Partial<RunHeader>;
      const ran = { kernels, activations, ...(elsewhere && { elsewhere }) };
      const what = { recipe, base, data, files: stored, ...ran, progress, extra };
      return { format: RUN_FORMAT, id, name, ...start, ...times, ...what };
    });
  }

  /**
   * Makes a run of what `fill` stores; its header comes last, so that an interrupted one is no run. For `create` and
   * imports.
   */
  async make(
    id: string,
    fill: (id: string, directory: Directory, chunks: ChunkStore, fence: Fence) => Promise<RunHeader>,
  ): Promise<StoredRun> {
    const ownership = await becomeOwner(this.#locks, id, OWNER_WAIT_MS);
    if (!ownership) throw new GraftError('runs.in_use', { run: id });
    const { owner, release } = ownership;
    try {
      const directory = await this.#root.directory(id);
      const fence = await Fence.raise(directory, owner);
      const chunks = await ChunkStore.open(await directory.directory(chunkFolder), this.#options.chunkBytes);
      const header = await fill(id, directory, chunks, fence);
      const slots = headerSlots(directory, fence);
      // Into both slots: a single unreadable slot then belongs to a run that was never complete.
      await slots.write(header);
      await slots.write(header);
      return await this.#opened(id, { fence, release });
    } catch (error) {
      const remove = async () => {
        await owner.check();
        await this.#root.removeDirectory(id);
      };
      await remove().catch(() => undefined);
      await release();
      throw error;
    }
  }

  /**
   * Opens a run: as its owner, or after `waitMs` as a reader when another tab or process stays its owner.
   * Throws `runs.not_found`, `runs.header_damaged`.
   */
  async open(id: string, waitMs = OWNER_WAIT_MS): Promise<StoredRun> {
    if (!(await this.#root.directories()).includes(id)) throw new GraftError('runs.not_found', { run: id });
    const ownership = await becomeOwner(this.#locks, id, waitMs);
    if (!ownership) return this.look(id);
    const { owner, release } = ownership;
    try {
      const directory = await this.#root.directory(id);
      return await this.#opened(id, { fence: await Fence.raise(directory, owner), release });
    } catch (error) {
      await release();
      throw error;
    }
  }

  /** Opens a run read-only, whoever owns it, without waiting. Throws `runs.not_found`, `runs.header_damaged`. */
  async look(id: string): Promise<StoredRun> {
    if (!(await this.#root.directories()).includes(id)) throw new GraftError('runs.not_found', { run: id });
    return StoredRun.open(await this.#root.directory(id), null, this.#options);
  }

  /** All runs, the newest first. Only their headers are read; what a crash left of an incomplete run is removed. */
  async list(): Promise<RunSummary[]> {
    const found: RunSummary[] = [];
    for (const id of await this.#root.directories()) {
      const { values, unreadable } = await headerSlots(await this.#root.directory(id)).read();
      const header = values[0]?.value ?? null;
      if (header || unreadable.length > 1) {
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

  /** Frees what only a resume needs; the adapters of a run stay. Throws `runs.in_use`, `runs.not_found`. */
  dropResume(id: string): Promise<void> {
    return this.#asOwner(id, (run) => run.dropResume());
  }

  /** Pins or unpins a checkpoint. Throws `runs.in_use`, `runs.not_found`, `runs.no_such_step`. */
  pin(id: string, step: number, pinned: boolean): Promise<void> {
    return this.#asOwner(id, (run) => run.pin(step, pinned));
  }

  /** The bytes of a run on disk. Throws `runs.not_found`, `runs.header_damaged`. */
  async size(id: string): Promise<RunSize> {
    return (await this.look(id)).size();
  }

  /** Deletes a run. Throws `runs.in_use`, also where it is open here. */
  async remove(id: string): Promise<void> {
    await this.#locked(id, async (owner) => {
      const directory = await this.#root.directory(id);
      await owner.check();
      // The headers first: a crash on the way leaves nothing that looks like a run.
      for (const file of await directory.list()) if (file.startsWith('run.')) await directory.remove(file);
      await this.#root.removeDirectory(id);
    });
  }

  /** A name that no other run has: `wanted`, with a number behind it where needed. @param own the run that is renamed */
  async freeName(wanted: string, own: string | null = null): Promise<string> {
    const others = (await this.list()).filter(({ id }) => id !== own);
    return uniqueName(
      wanted,
      others.flatMap(({ header }) => (header ? [header.name] : [])),
    );
  }

  /** An id that no run has yet: `wanted`, where that is free. */
  async freeId(wanted: string): Promise<string> {
    return (await this.#root.directories()).includes(wanted) ? this.#options.newId() : wanted;
  }

  /** Removes an incomplete run, unless it is being made at this moment. */
  async #removeUnbegun(id: string): Promise<void> {
    const removing = this.#locked(id, async (owner) => {
      const { values, unreadable } = await headerSlots(await this.#root.directory(id)).read();
      if (values.length > 0 || unreadable.length > 1) return;
      await owner.check();
      await this.#root.removeDirectory(id);
    });
    await removing.catch(() => undefined);
  }

  async #opened(id: string, ownership: RunOwnership): Promise<StoredRun> {
    const run = await StoredRun.open(await this.#root.directory(id), ownership, this.#options);
    this.#open.set(id, run);
    return run;
  }

  #asOwner(id: string, work: (run: StoredRun) => Promise<void>): Promise<void> {
    return this.#inTurn(async () => {
      const open = this.#open.get(id);
      if (open?.owned) return work(open);
      const run = await this.open(id, 0);
      try {
        if (!run.owned) throw new GraftError('runs.in_use', { run: run.header.name });
        await work(run);
      } finally {
        await run.close();
      }
    });
  }

  #locked(id: string, work: (owner: Owner) => Promise<void>): Promise<void> {
    return this.#inTurn(async () => {
      const ownership = await becomeOwner(this.#locks, id, 0);
      if (!ownership) throw new GraftError('runs.in_use', { run: id });
      try {
        await work(ownership.owner);
      } finally {
        await ownership.release();
      }
    });
  }
}

/** `20260131-142500-3f9a2c`: sorted by time, and different in two tabs. */
export function newRunId(now: number): string {
  const time = new Date(now).toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
  const random = crypto.getRandomValues(new Uint32Array(1))[0]! & 0xffffff;
  return `${time}-${random.toString(16).padStart(6, '0')}`;
}

/** The hash of a data set: of the contents of its stored files. */
async function hashOf(files: readonly StoredFile[]): Promise<string> {
  return (await createContentHash())
    .update(JSON.stringify(files.map(({ name, size, chunks }) => [name, size, chunks])))
    .digest('hex');
}
