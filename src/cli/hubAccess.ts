import { homedir } from 'node:os';
import { join } from 'node:path';
import { Hub } from '../hub/hub.ts';
import { ModelCache } from '../hub/modelCache.ts';
import { GraftError } from '../lib/errors.ts';
import { nodeDirectory } from '../storage/nodeDirectory.ts';
import { nodeLocks } from '../storage/nodeLocks.ts';
import type { Options } from './options.ts';

/** The options that say which Hub is meant, and their flag. */
export const hubOptions = ['endpoint'] as const;
export const hubFlags = ['token-for-endpoint'] as const;

/** Which Hub is meant, and whether it may have the token. */
export interface HubAccess {
  endpoint?: string;
  tokenForEndpoint: boolean;
}

/** Whether a model or file is named as one of a Hub. */
export function isOnHub(name: string): boolean {
  return name.startsWith('hf:');
}

/**
 * Reads `--endpoint` and `--token-for-endpoint`. Throws `cli.bad_option` where they belong to nothing.
 * @param names models and files of the command, one of which must be on a Hub then
 */
export function hubAccess(options: Options, usage: string, names: readonly string[]): HubAccess {
  const endpoint = options.optional('endpoint');
  const tokenForEndpoint = options.flag('token-for-endpoint');
  const bad = (detail: string): GraftError => new GraftError('cli.bad_option', { detail, usage });
  if (endpoint !== undefined && !names.some(isOnHub))
    throw bad('--endpoint belongs to a model of a Hub, hf:org/name.');
  if (tokenForEndpoint && endpoint === undefined) throw bad('--token-for-endpoint belongs to --endpoint.');
  return { endpoint, tokenForEndpoint };
}

/** A Hub with the token of $HF_TOKEN. */
export function hubOf({ endpoint, tokenForEndpoint }: HubAccess): Hub {
  return new Hub({ endpoint, tokenForEndpoint, token: () => process.env.HF_TOKEN ?? null });
}

/** What was downloaded, in the folder of `cachePath`. */
export function openCache(): ModelCache {
  const path = cachePath();
  return new ModelCache(nodeDirectory(path), nodeLocks(join(path, 'locks')));
}

/** $GRAFT_CACHE, or the platform's place for caches. */
export function cachePath(): string {
  const { GRAFT_CACHE, XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  if (GRAFT_CACHE) return GRAFT_CACHE;
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'graft');
  if (process.platform === 'win32') return join(LOCALAPPDATA || join(homedir(), 'AppData', 'Local'), 'graft');
  return join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'graft');
}
