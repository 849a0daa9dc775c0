import { createDataService } from './dataService.ts';
import type { DataApi } from './dataProtocol.ts';
import { expose } from '../../base/threads/errorTransfer.ts';

const startText = () =>
  new Worker(new URL('./text.worker.ts', import.meta.url), { type: 'module', name: 'text' });

expose<DataApi>(createDataService(startText));
