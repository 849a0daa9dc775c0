import { GraftError } from '../lib/errors.ts';
import type { WorkerClient } from '../workers/client.ts';
import type { Throwing } from '../workers/result.ts';

/** A worker's desk in this thread, as a client of it; `restart` tells of its end as that of a worker would be told. */
export function deskClient<Api>(desk: Throwing<Api>): WorkerClient<Api> {
  const crashListeners: ((error: GraftError) => void)[] = [];
  return {
    call: desk,
    onStart: () => undefined,
    isRunning: () => true,
    onCrash: (listener) => crashListeners.push(listener),
    restart: (error) => crashListeners.forEach((listener) => listener(error)),
  };
}

/** A private file system that the browser denies. */
export async function noCache(): Promise<never> {
  throw new GraftError('storage.opfs_denied', { detail: 'test' });
}
