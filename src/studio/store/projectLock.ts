/** How long a reload waits for the tab before, which may not have released the project yet. */
const RELOAD_WAIT_MS = 1500;

const lockOf = (id: string): string => `graft:project-${id}`;

/**
 * Becomes the owner of a project, the only tab that saves it; the browser releases it with the tab.
 * @param signal ends the waiting; by default it ends after a moment
 * @returns a function that releases it; null where another tab stays its owner
 */
export async function ownProject(id: string, signal?: AbortSignal): Promise<(() => void) | null> {
  // Where there are no locks, there are no other tabs either.
  const locks = (globalThis.navigator as Navigator | undefined)?.locks;
  if (!locks) return () => undefined;
  return new Promise((resolve) => {
    locks
      .request(lockOf(id), { signal: signal ?? AbortSignal.timeout(RELOAD_WAIT_MS) }, () => {
        return new Promise<void>((release) => resolve(release));
      })
      .catch(() => resolve(null));
  });
}
