/** The script of the thread that runs a model's template and tokenizer in Node: see startText.ts. */
import { parentPort } from 'node:worker_threads';
import { expose, type Endpoint } from '../../base/threads/errorTransfer.ts';
import { createTextService } from '../../content/guard/textService.ts';
import type { TextApi } from '../../content/guard/textProtocol.ts';

const port = parentPort;
if (!port) throw new Error('textThread.ts is the script of a worker thread');
expose<TextApi>(
  createTextService((beat) => port.postMessage(beat)),
  port as unknown as Endpoint,
);
