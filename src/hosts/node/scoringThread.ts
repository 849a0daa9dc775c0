/** The script of the thread that tries regular expressions on answers in Node: see startScoring.ts. */
import { parentPort } from 'node:worker_threads';
import { expose, type Endpoint } from '../../base/threads/errorTransfer.ts';
import { createScoringService, type ScoringApi } from '../../content/rewards/scoringService.ts';

const port = parentPort;
if (!port) throw new Error('scoringThread.ts is the script of a worker thread');
expose<ScoringApi>(
  createScoringService((beat) => port.postMessage(beat)),
  port as unknown as Endpoint,
);
