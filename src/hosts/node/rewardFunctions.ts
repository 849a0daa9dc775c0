import type { Worker } from 'node:worker_threads';
import { GraftError } from '../../base/lib/errors.ts';
import {
  rewardTable,
  type FunctionResult,
  type RewardFunction,
  type RewardFunctions,
} from '../../content/rewards/functions.ts';
import type { RewardRequest } from './rewardThread.ts';
import { startThread } from './startThread.ts';

/** Heap of the thread, for all functions together. */
const HEAP_MB = 128;
/** What the thread may take beyond the time of its calls, such as starting. */
const SPARE_MS = 60_000;

/** Functions of a recipe in a thread of their own, which is ended where one exceeds its time or memory. */
export function nodeRewardFunctions(functions: readonly RewardFunction[]): RewardFunctions {
  let thread: Worker | null = null;
  const end = () => {
    void thread?.terminate();
    thread = null;
  };
  const ask = (inputs: readonly string[]): Promise<FunctionResult[][]> =>
    new Promise((resolve, reject) => {
      const isNew = thread === null;
      const asked = (thread ??= startThread('rewardThread', HEAP_MB));
      // A thread that waits keeps no process alive; one that is asked does.
      asked.ref();
      const settle = () => {
        clearTimeout(timer);
        asked.off('message', answered).off('error', failed);
        asked.unref();
      };
      const fail = (detail: string) => {
        settle();
        end();
        const name = functions.map((one) => one.name).join(', ');
        reject(new GraftError('train.reward_failed', { name, detail }));
      };
      const answered = (results: FunctionResult[][]) => {
        settle();
        resolve(results);
      };
      const failed = ({ code, message }: NodeJS.ErrnoException) =>
        fail(code === 'ERR_WORKER_OUT_OF_MEMORY' ? `it needs more than ${HEAP_MB} MB of memory` : message);
      const seconds = functions.reduce((sum, one) => sum + one.seconds, 0);
      const timer = setTimeout(
        () => fail('it does not end, not even at its deadline'),
        SPARE_MS + 1000 * seconds * (inputs.length + 1),
      );
      asked.on('message', answered).on('error', failed);
      const request: RewardRequest = { inputs, ...(isNew && { functions }) };
      asked.postMessage(request);
    });
  return {
    end,
    async score(inputs) {
      const results = await ask(inputs.map(({ text, row }) => JSON.stringify([text, row])));
      return rewardTable(
        functions,
        functions.map((_, i) => results.map((own) => own[i]!)),
      );
    },
  };
}
