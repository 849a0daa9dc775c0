import * as Comlink from 'comlink';
import { openModelCache } from './cachePlace.ts';
import { createHubDesk } from './hubDesk.ts';
import type { HubApi } from './hubProtocol.ts';
import { asResults } from './result.ts';

Comlink.expose(asResults<HubApi>(createHubDesk(openModelCache)));
