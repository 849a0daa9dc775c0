import type { HoldOptions, LockHolder, Locks, Owner } from './types.ts';

const elsewhere: LockHolder = { pid: null, since: null, file: null };

/** The Web Locks of the origin: shared by all tabs and workers, and released when their owner dies. */
export function webLocks(prefix = 'graft'): Locks {
  const fullName = (name: string): string => `${prefix}:${name}`;
  return {
    async hold<T>(
      name: string,
      work: (owner: Owner) => Promise<T>,
      { signal, onWait }: HoldOptions = {},
    ): Promise<T> {
      const full = fullName(name);
      // The browser takes a lock from nobody who lives, and a page that was frozen or ended does not come back to write.
      const owner: Owner = { token: crypto.randomUUID(), check: async () => undefined };
      const ran = { value: undefined as T | undefined, done: false };
      await navigator.locks.request(full, { ifAvailable: true }, async (lock) => {
        if (lock) Object.assign(ran, { value: await work(owner), done: true });
      });
      if (ran.done) return ran.value as T;
      onWait?.(elsewhere);
      return navigator.locks.request(full, signal ? { signal } : {}, () => work(owner)) as Promise<T>;
    },
    async holder(name) {
      const { held = [] } = await navigator.locks.query();
      return held.some((lock) => lock.name === fullName(name)) ? elsewhere : null;
    },
  };
}
