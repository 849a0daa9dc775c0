import * as Comlink from 'comlink';
import { createEngineDesk } from './engineDesk.ts';
import type { EngineApi } from './protocol.ts';
import { asResults } from './result.ts';

Comlink.expose(asResults<EngineApi>(createEngineDesk()));
