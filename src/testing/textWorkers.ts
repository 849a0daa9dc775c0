import * as Comlink from 'comlink';
import { Worker } from 'node:worker_threads';
import { asResults } from '../workers/result.ts';
import { createTextDesk } from '../workers/textDesk.ts';
import type { TextApi } from '../workers/textProtocol.ts';
import type { WorkerLike } from '../workers/workerClient.ts';

/** The text worker's desk in this thread, for tests whose templates and patterns end. */
export function textInThread(): WorkerLike {
  const { port1, port2 } = new MessageChannel();
  Comlink.expose(asResults<TextApi>(createTextDesk((beat) => port2.postMessage(beat))), port2);
  port1.start();
  return Object.assign(port1 as unknown as Comlink.Endpoint, { terminate: () => port1.close() });
}

/** The text worker as a thread of Node, which can be ended while it runs. */
export function textThread(): WorkerLike {
  const script = new URL('./textThread.ts', import.meta.url).href;
  // Node's own loader reads no TypeScript.
  const start = `import('tsx/esm/api').then(({ tsImport }) => tsImport('${script}', '${script}'))`;
  const thread = new Worker(start, { eval: true });
  const heard = new Map<unknown, (value: unknown) => void>();
  return {
    postMessage: (message, transfer) => thread.postMessage(message, transfer as never),
    // What browsers hand over as an event, Node hands over bare.
    addEventListener(type, listener) {
      const hear = (value: unknown) =>
        (listener as (event: unknown) => void)({ type, data: value, message: String(value) });
      heard.set(listener, hear);
      thread.on(type, hear);
    },
    removeEventListener: (type, listener) => void thread.off(type, heard.get(listener) ?? (() => undefined)),
    terminate: () => void thread.terminate(),
  };
}
