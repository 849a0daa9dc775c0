import type { WorkerLike } from '../../base/threads/workerClient.ts';
import { nodeWorker } from './startText.ts';
import { startThread } from './startThread.ts';

/** Heap of the thread, in MB. */
const HEAP_MB = 128;

/** Starts a thread for regular expressions of rewards and metrics (scoringThread.ts). It ends with the process. */
export function startScoring(): WorkerLike {
  return nodeWorker(startThread('scoringThread', HEAP_MB));
}
