import type { RunStore } from '../../content/runs/runStore.ts';
import type { Trainable } from '../../engine/model/trained/trainable.ts';
import type { LoadReports } from '../../session/openModel.ts';
import type { Session } from '../../session/session.ts';
import type { CheckpointRef } from './protocol.ts';

/** How many checkpoints stay loaded: one for each side of a comparison. */
const MAX_OPEN = 2;

/** Checkpoints of stored runs that answer beside the session's result; those used last stay on the GPU. */
export class OpenCheckpoints {
  readonly #session: Pick<Session, 'readCheckpoint'>;
  /** By run and step, the one used last at the end. */
  readonly #open = new Map<string, Trainable>();

  constructor(session: Pick<Session, 'readCheckpoint'>) {
    this.#session = session;
  }

  /** What was trained up to a checkpoint, to be used in the next job. Throws `runs.*`, `train.resume_other_model`. */
  async read({ run, step }: CheckpointRef, runs: RunStore, reports: LoadReports): Promise<Trainable> {
    const key = `${run}/${step}`;
    const known = this.#open.get(key);
    const trained = known ?? (await this.#session.readCheckpoint(runs, run, step, reports));
    this.#open.delete(key);
    this.#open.set(key, trained);
    for (const old of [...this.#open.keys()].slice(0, -MAX_OPEN)) this.#drop(old);
    return trained;
  }

  /** Frees all of them: they are of another model. */
  forget(): void {
    for (const key of [...this.#open.keys()]) this.#drop(key);
  }

  #drop(key: string): void {
    this.#open.get(key)?.dispose();
    this.#open.delete(key);
  }
}
