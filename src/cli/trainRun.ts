import { join } from 'node:path';
import { GraftError } from '../lib/errors.ts';
import type { CurveRecord } from '../runs/curveLog.ts';
import type { Run } from '../runs/run.ts';
import { RunStore, type NewRun } from '../runs/runStore.ts';
import type { CheckpointData } from '../runs/types.ts';
import { nodeDirectory } from '../storage/nodeDirectory.ts';
import { nodeLocks } from '../storage/nodeLocks.ts';
import { cachePath } from './hubAccess.ts';

/** Where a run is saved to, and what is there of it. */
export interface SavedRun {
  run: Run;
  /** Null before its first checkpoint. */
  checkpoint: CheckpointData | null;
  /** What it has told up to there. */
  records: readonly CurveRecord[];
}

/** The folder of `--checkpoints`: a store with one run. */
export class CheckpointFolder {
  readonly #path: string;
  readonly #store: RunStore;

  constructor(path: string) {
    this.#path = path;
    this.#store = new RunStore(nodeDirectory(path), nodeLocks(join(cachePath(), 'locks')));
  }

  /**
   * The run that is to go on; null where there is none, or none was asked for.
   * Throws `cli.run_exists` where one is there that nobody asked for, `runs.in_use`, `runs.none_left`.
   */
  async find(resume: boolean): Promise<SavedRun | null> {
    const [newest] = await this.#store.list();
    if (!newest) return null;
    if (!resume) throw new GraftError('cli.run_exists', { folder: this.#path });
    const run = await this.#store.open(newest.id);
    if (!run.owned) throw new GraftError('runs.in_use', { run: run.header.name });
    const { checkpoint, passedOver } = await run.load();
    for (const { file, step } of passedOver) {
      console.error(
        `The checkpoint of step ${step ?? '?'} is damaged (${file}); the one before it is taken.`,
      );
    }
    await run.resumeFrom(checkpoint?.step ?? 0);
    await run.change({ state: 'running', failure: null });
    const { records } = await run.curves();
    return { run, checkpoint, records };
  }

  /** Makes the run. */
  async create(given: NewRun): Promise<SavedRun> {
    return { run: await this.#store.create(given), checkpoint: null, records: [] };
  }
}
