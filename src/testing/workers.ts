import { GraftError } from '../base/lib/errors.ts';
import { callsOf, restartAfter, type WorkerClient } from '../hosts/browser/client.ts';
import { losesDevice } from '../base/lib/errorKind.ts';

/**
 * A client of a worker's service in this thread. `restart`, and an error that loses the GPU device, call the listeners
 * of crashes; the service itself stays.
 */
export function serviceClient<Api>(service: Api): WorkerClient<Api> {
  const crashListeners: ((error: GraftError) => void)[] = [];
  const restart = (error: GraftError) => crashListeners.forEach((listener) => listener(error));
  const methods = service as Record<string, (...args: unknown[]) => Promise<unknown>>;
  return {
    call: callsOf<Api>(async (method, args) => {
      try {
        return await methods[method]!(...args);
      } catch (error) {
        if (losesDevice(error)) restart(restartAfter(error));
        throw error;
      }
    }),
    onStart: () => undefined,
    isRunning: () => true,
    onCrash: (listener) => crashListeners.push(listener),
    restart,
  };
}

/** A private file system denied by the browser. */
export async function noCache(): Promise<never> {
  throw new GraftError('storage.opfs_denied', { detail: 'test' });
}
