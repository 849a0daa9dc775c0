import type { Locks } from '../storage/types.ts';

/** How long a run that was just reloaded is waited for: the tab before may not have let go of it yet. */
export const OWNER_WAIT_MS = 2000;

/** The name of a run's lock. */
export const lockOf = (id: string): string => `run-${id}`;

/**
 * Becomes the owner of a run, waiting `waitMs` at the most while another is.
 * @returns what gives it back; null where another stays its owner
 */
export function becomeOwner(locks: Locks, id: string, waitMs: number): Promise<(() => Promise<void>) | null> {
  const stop = new AbortController();
  let giveBack = (): void => undefined;
  const kept = new Promise<void>((resolve) => (giveBack = resolve));
  return new Promise((resolve, reject) => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const holding: Promise<void> = locks.hold(
      lockOf(id),
      async () => {
        clearTimeout(timer);
        resolve(async () => {
          giveBack();
          await holding;
        });
        await kept;
      },
      { signal: stop.signal, onWait: () => (timer = setTimeout(() => stop.abort(), waitMs)) },
    );
    holding.catch((error: unknown) => (stop.signal.aborted ? resolve(null) : reject(error)));
  });
}

/** Whether anybody owns a run now. */
export async function isOwned(locks: Locks, id: string): Promise<boolean> {
  const release = await becomeOwner(locks, id, 0);
  await release?.();
  return release === null;
}
