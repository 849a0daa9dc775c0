import type { Worker } from 'node:worker_threads';
import { threadHeapMb } from '../../content/data/programLimits.ts';
import type { WorkerLike } from '../../base/threads/workerClient.ts';
import { startThread } from './startThread.ts';

/**
 * Starts a thread for a model's template and tokenizer (textThread.ts). It ends with the process.
 * @param heapMb limit of its heap: what exceeds it ends the thread alone
 */
export function startText(heapMb: number = threadHeapMb): WorkerLike {
  const thread = startThread('textThread', heapMb);
  return nodeWorker(thread);
}

/** A Node thread with the interface of a browser's worker, which does not keep the process from ending. */
export function nodeWorker(thread: Worker): WorkerLike {
  const heard = new Map<unknown, (value: unknown) => void>();
  return {
    postMessage: (message, transfer) => thread.postMessage(message, transfer as never),
    // Browsers wrap messages in an event, Node doesn't.
    addEventListener(type, listener) {
      const hear = (value: unknown) =>
        (listener as (event: unknown) => void)({
          type,
          data: value,
          message: value instanceof Error ? value.message : '',
        });
      heard.set(listener, hear);
      thread.on(type, hear);
      // A listener for messages keeps the process alive again.
      thread.unref();
    },
    removeEventListener: (type, listener) => void thread.off(type, heard.get(listener) ?? (() => undefined)),
    terminate: () => void thread.terminate(),
  };
}
