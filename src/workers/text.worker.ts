import * as Comlink from 'comlink';
import { asResults } from './result.ts';
import { createTextDesk } from './textDesk.ts';
import type { TextApi } from './textProtocol.ts';

Comlink.expose(asResults<TextApi>(createTextDesk((beat) => postMessage(beat))));
