import { createEngineService } from './engineService.ts';
import type { EngineApi } from './protocol.ts';
import { expose } from '../../base/threads/errorTransfer.ts';

expose<EngineApi>(createEngineService());
