import { openModelCache } from './openModelCache.ts';
import { createHubService } from './hubService.ts';
import type { HubApi } from './hubProtocol.ts';
import { expose } from '../../base/threads/errorTransfer.ts';

expose<HubApi>(createHubService(openModelCache));
