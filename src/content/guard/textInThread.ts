import { expose, type Endpoint } from '../../base/threads/errorTransfer.ts';
import type { WorkerLike } from '../../base/threads/workerClient.ts';
import type { TextApi } from './textProtocol.ts';
import { createTextService } from './textService.ts';

/**
 * The text worker's service in the caller's thread, for hosts that cannot start one: what the interpreters count ends a
 * program, but nothing ends a pattern that hangs.
 */
export function textInThread(): WorkerLike {
  const { port1, port2 } = new MessageChannel();
  expose<TextApi>(
    createTextService((beat) => port2.postMessage(beat)),
    port2,
  );
  port1.start();
  return Object.assign(port1 as unknown as Endpoint, { terminate: () => port1.close() });
}
