import { join } from 'node:path';
import { GraftError } from '../../../base/lib/errors.ts';
import { nodeDirectory } from '../../../base/storage/nodeDirectory.ts';
import { nodeLocks } from '../../../base/storage/nodeLocks.ts';
import { Hub } from '../../../content/hub/hub.ts';
import { ModelCache } from '../../../content/hub/modelCache.ts';
import { cachePath } from '../host.ts';
import type { Values } from './options.ts';
import type { hubOptions } from './commonOptions.ts';

/** Which Hub is meant, and whether it may have the token. */
export type HubAccess = Values<typeof hubOptions>;

/** Whether a model or file is named as one of a Hub. */
export function isOnHub(name: string): boolean {
  return name.startsWith('hf:');
}

/**
 * Refuses `--endpoint` and `--token-for-endpoint` where they belong to nothing. Throws `cli.bad_option`.
 * @param names models and files of the command, one of which must be on a Hub
 */
export function checkHubAccess(
  { endpoint, tokenForEndpoint }: HubAccess,
  usage: string,
  names: readonly (string | undefined)[],
): void {
  const bad = (detail: string): GraftError => new GraftError('cli.bad_option', { detail, usage });
  if (endpoint !== undefined && !names.some((name) => name !== undefined && isOnHub(name)))
    throw bad('--endpoint requires a model or dataset on a Hub (hf:…).');
  if (tokenForEndpoint && endpoint === undefined) throw bad('--token-for-endpoint requires --endpoint.');
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
