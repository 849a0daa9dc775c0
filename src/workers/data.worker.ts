import * as Comlink from 'comlink';
import { createDataDesk } from './dataDesk.ts';
import type { DataApi } from './dataProtocol.ts';
import { asResults } from './result.ts';

const startText = () =>
  new Worker(new URL('./text.worker.ts', import.meta.url), { type: 'module', name: 'text' });

Comlink.expose(asResults<DataApi>(createDataDesk(startText)));
