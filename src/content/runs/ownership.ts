import type { Locks, Owner } from '../../base/storage/types.ts';

/** How long to wait for a run after a reload: the tab before may not have released it yet. */
export const OWNER_WAIT_MS = 2000;

/** The name of a run's lock. */
export const lockOf = (id: string): string => `run-${id}`;

/** A run that is owned until `release`. */
export interface Ownership {
  owner: Owner;
  release(): Promise<void>;
}

/**
 * Becomes the owner of a run, waiting at most `waitMs` for another owner.
 * @returns null where another stays its owner
 */
export function becomeOwner(locks: Locks, id: string, waitMs: number): Promise<Ownership | null> {
  const stop = new AbortController();
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  return new Promise((resolve, reject) => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const holding: Promise<void> = locks.hold(
      lockOf(id),
      async (owner) => {
        clearTimeout(timer);
        resolve({
          owner,
          async release() {
            release();
            await holding;
          },
        });
        await released;
      },
      { signal: stop.signal, onWait: () => (timer = setTimeout(() => stop.abort(), waitMs)) },
    );
    holding.catch((error: unknown) => (stop.signal.aborted ? resolve(null) : reject(error)));
  });
}

/** Whether a run has an owner now. Nothing is written: it may be in a folder that can only be read. */
export async function isOwned(locks: Locks, id: string): Promise<boolean> {
  return (await locks.holder(lockOf(id))) !== null;
}
