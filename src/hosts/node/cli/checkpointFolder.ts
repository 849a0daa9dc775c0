import { GraftError } from '../../../base/lib/errors.ts';
import { nodeDirectory } from '../../../base/storage/nodeDirectory.ts';
import { nodeLocks } from '../../../base/storage/nodeLocks.ts';
import type { RunHeader } from '../../../content/runs/header.ts';
import { RunStore } from '../../../content/runs/runStore.ts';
import type { TrainEvent } from '../../../session/events.ts';
import { openStoredRun, type ResumableRun } from '../../../session/storedRun.ts';

/** The run in a folder of checkpoints; its header is null where it cannot be read. */
export interface FoundRun {
  id: string;
  header: RunHeader | null;
}

/** The folder of `--checkpoints`: a store with one run. Its command owns the whole folder, so that it stays one. */
export class CheckpointFolder {
  readonly store: RunStore;
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
    // Locks in the folder itself: whoever uses it sees them, whatever else that is configured with.
    this.store = new RunStore(nodeDirectory(path), nodeLocks(path));
  }

  /** The run to be resumed; null where there is none. Throws `cli.run_exists` where one is there that was not asked for. */
  async find(resume: boolean): Promise<FoundRun | null> {
    const [newest = null] = await this.store.list();
    if (newest && !resume) throw new GraftError('cli.run_exists', { folder: this.#path });
    return newest;
  }

  /** Opens the run as its owner. Throws what `openStoredRun` throws. */
  open({ id }: FoundRun, onEvent: (event: TrainEvent) => void): Promise<ResumableRun> {
    return openStoredRun(this.store, id, null, onEvent);
  }
}
