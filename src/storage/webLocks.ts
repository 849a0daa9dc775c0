import type { Locks } from './types.ts';

/** The Web Locks of the origin: shared by all tabs and workers, and given back when their owner dies. */
export function webLocks(prefix = 'graft'): Locks {
  return {
    async hold<T>(
      name: string,
      work: () => Promise<T>,
      { signal, onWait }: { signal?: AbortSignal; onWait?: () => void } = {},
    ): Promise<T> {
      const full = `${prefix}:${name}`;
      const ran = { value: undefined as T | undefined, done: false };
      await navigator.locks.request(full, { ifAvailable: true }, async (lock) => {
        if (lock) Object.assign(ran, { value: await work(), done: true });
      });
      if (ran.done) return ran.value as T;
      onWait?.();
      return navigator.locks.request(full, signal ? { signal } : {}, work) as Promise<T>;
    },
  };
}
