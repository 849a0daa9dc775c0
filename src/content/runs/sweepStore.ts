import { GraftError } from '../../base/lib/errors.ts';
import { serial } from '../../base/lib/serial.ts';
import type { Directory, Locks } from '../../base/storage/types.ts';
import { Fence } from './fence.ts';
import { becomeOwner, isOwned, OWNER_WAIT_MS, type Ownership } from './ownership.ts';
import { newRunId } from './runStore.ts';
import { Slots } from './slots.ts';
import { parseSweep, SWEEP_FORMAT, type Sweep } from './sweep.ts';

/** The contents of a new sweep. */
export type NewSweep = Omit<Sweep, 'format' | 'id' | 'createdAt'>;

/** A sweep in the list. */
export interface SweepSummary {
  sweep: Sweep;
  /** Another tab or process, or this one, has it open. */
  busy: boolean;
}

const slotsOf = (directory: Directory, fence: Fence | null = null): Slots<Sweep> =>
  new Slots(directory, 'sweep', parseSweep, fence);

/** Beside the locks of runs, which may lie in the same folder. */
const lockId = (id: string): string => `sweep-${id}`;

/** A sweep on disk that is owned here until it is closed. */
export class StoredSweep {
  readonly #slots: Slots<Sweep>;
  readonly #ownership: Ownership;
  readonly #inTurn = serial();
  #sweep: Sweep;

  constructor(slots: Slots<Sweep>, ownership: Ownership, sweep: Sweep) {
    this.#slots = slots;
    this.#ownership = ownership;
    this.#sweep = sweep;
  }

  get sweep(): Sweep {
    return this.#sweep;
  }

  /** Changes a run; at once here, and on disk when this resolves. Throws `runs.not_written`, `runs.taken_over`, `storage.*`. */
  change(index: number, change: Partial<Sweep['runs'][number]>): Promise<void> {
    const runs = this.#sweep.runs.map((run, at) => (at === index ? { ...run, ...change } : run));
    this.#sweep = { ...this.#sweep, runs };
    return this.#inTurn(() => this.#slots.write(this.#sweep));
  }

  /** Gives up ownership, after what is being written. */
  async close(): Promise<void> {
    await this.#inTurn(() => this.#ownership.release());
  }
}

/** All sweeps of a browser or a folder, each in its own folder, in slots that survive any crash. */
export class SweepStore {
  readonly #root: Directory;
  readonly #locks: Locks;
  readonly #now: () => number;

  /** @param root the folder `sweeps`; the locks must be shared by all who use it */
  constructor(root: Directory, locks: Locks, now: () => number = Date.now) {
    this.#root = root;
    this.#locks = locks;
    this.#now = now;
  }

  /** Stores a new sweep and becomes its owner. Throws what writing throws. */
  async create(given: NewSweep): Promise<StoredSweep> {
    const createdAt = this.#now();
    const id = newRunId(createdAt);
    return this.#owned(id, async (slots) => {
      const sweep = { ...given, format: SWEEP_FORMAT, id, createdAt };
      await slots.write(sweep);
      return sweep;
    });
  }

  /** Opens a sweep as its owner. Throws `runs.sweep_not_found`, `runs.sweep_damaged`, `runs.sweep_in_use`. */
  async open(id: string): Promise<StoredSweep> {
    if (!(await this.#root.directories()).includes(id))
      throw new GraftError('runs.sweep_not_found', { sweep: id });
    return this.#owned(id, async (slots) => {
      const { values, unreadable } = await slots.read();
      const sweep = values[0]?.value;
      if (sweep) return sweep;
      const code = unreadable.length > 0 ? 'runs.sweep_damaged' : 'runs.sweep_not_found';
      throw new GraftError(code, { sweep: id });
    });
  }

  /** All sweeps that can be read, the newest first. */
  async list(): Promise<SweepSummary[]> {
    const found: SweepSummary[] = [];
    for (const id of await this.#root.directories()) {
      const { values } = await slotsOf(await this.#root.directory(id)).read();
      const sweep = values[0]?.value;
      if (sweep) found.push({ sweep, busy: await isOwned(this.#locks, lockId(id)) });
    }
    return found.sort((a, b) => b.sweep.createdAt - a.sweep.createdAt);
  }

  /** Removes a sweep; its runs stay. Throws `runs.sweep_in_use`. */
  async remove(id: string): Promise<void> {
    const { owner, release } = await this.#lock(id);
    try {
      await owner.check();
      await this.#root.removeDirectory(id);
    } finally {
      await release();
    }
  }

  async #owned(id: string, read: (slots: Slots<Sweep>) => Promise<Sweep>): Promise<StoredSweep> {
    const ownership = await this.#lock(id);
    try {
      const directory = await this.#root.directory(id);
      const slots = slotsOf(directory, await Fence.raise(directory, ownership.owner));
      return new StoredSweep(slots, ownership, await read(slots));
    } catch (error) {
      await ownership.release();
      throw error;
    }
  }

  async #lock(id: string): Promise<Ownership> {
    const ownership = await becomeOwner(this.#locks, lockId(id), OWNER_WAIT_MS);
    if (!ownership) throw new GraftError('runs.sweep_in_use', { sweep: id });
    return ownership;
  }
}
