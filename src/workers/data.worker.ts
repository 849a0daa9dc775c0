import * as Comlink from 'comlink';
import { createDataDesk } from './dataDesk.ts';
import type { DataApi } from './dataProtocol.ts';
import { asResults } from './result.ts';

Comlink.expose(asResults<DataApi>(createDataDesk()));
