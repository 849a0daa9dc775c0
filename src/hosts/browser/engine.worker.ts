import { createEngineService } from './engineService.ts';
import { browserHost } from './host.ts';
import type { EngineApi } from './protocol.ts';
import { expose } from '../../base/threads/errorTransfer.ts';

const startScoring = () =>
  new Worker(new URL('./scoring.worker.ts', import.meta.url), { type: 'module', name: 'scoring' });

expose<EngineApi>(createEngineService(browserHost(startScoring)));
