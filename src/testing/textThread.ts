import * as Comlink from 'comlink';
import { parentPort } from 'node:worker_threads';
import { asResults } from '../workers/result.ts';
import { createTextDesk } from '../workers/textDesk.ts';
import type { TextApi } from '../workers/textProtocol.ts';

const port = parentPort;
if (!port) throw new Error('textThread.ts is the script of a worker thread');
Comlink.expose(
  asResults<TextApi>(createTextDesk((beat) => port.postMessage(beat))),
  port as unknown as Comlink.Endpoint,
);
