import type { RunStore } from '../../content/runs/runStore.ts';
import type { Trainable } from '../../engine/model/trained/trainable.ts';
import type { LoadReports } from '../../session/openModel.ts';
import type { Session } from '../../session/session.ts';
import type { AdapterShelf } from './adapterShelf.ts';
import type { TrainedRef } from './protocol.ts';

/** How many stay on the GPU: one for each side of a comparison. */
const MAX_OPEN = 2;

/** Checkpoints of stored runs and adapters of the shelf that answer beside the session's result; those used last stay on the GPU. */
export class OpenAdapters {
  readonly #session: Pick<Session, 'readCheckpoint' | 'readPeft'>;
  readonly #shelf: AdapterShelf;
  readonly #store: () => Promise<RunStore>;
  /** By what they are of, the one used last at the end. */
  readonly #open = new Map<string, Trainable>();

  constructor(
    session: Pick<Session, 'readCheckpoint' | 'readPeft'>,
    shelf: AdapterShelf,
    store: () => Promise<RunStore>,
  ) {
    this.#session = session;
    this.#shelf = shelf;
    this.#store = store;
  }

  /** What was trained, to be used in the next job. Throws `runs.*`, `train.resume_other_model`. */
  async read(ref: TrainedRef, reports: LoadReports): Promise<Trainable> {
    const key = 'shelved' in ref ? ref.shelved : `${ref.run}/${ref.step}`;
    const trained = this.#open.get(key) ?? (await this.#load(ref, reports));
    this.#open.delete(key);
    this.#open.set(key, trained);
    for (const old of [...this.#open.keys()].slice(0, -MAX_OPEN)) this.#drop(old);
    return trained;
  }

  /** Frees all of them: they are of another model, or their memory is needed. */
  forget(): void {
    for (const key of [...this.#open.keys()]) this.#drop(key);
  }

  async #load(ref: TrainedRef, reports: LoadReports): Promise<Trainable> {
    if ('shelved' in ref) return this.#session.readPeft(this.#shelf.get(ref.shelved).peft);
    return this.#session.readCheckpoint(await this.#store(), ref.run, ref.step, reports);
  }

  #drop(key: string): void {
    this.#open.get(key)?.dispose();
    this.#open.delete(key);
  }
}
