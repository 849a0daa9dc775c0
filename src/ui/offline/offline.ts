import { useSyncExternalStore } from 'react';

/** How the page stands to its service worker. */
export interface OfflineState {
  /** All files are kept: the page opens without a network. */
  isReady: boolean;
  /** A newer version of the page waits. */
  hasUpdate: boolean;
}

/** A tab that stays open for days asks this often for a newer version, in ms. */
const ASK_AGAIN_MS = 6 * 60 * 60 * 1000;

let state: OfflineState = { isReady: false, hasUpdate: false };
let waiting: ServiceWorker | null = null;
const listeners = new Set<() => void>();

function set(changes: Partial<OfflineState>): void {
  state = { ...state, ...changes };
  for (const listener of listeners) listener();
}

/** The state of the page's service worker; the component is drawn again when it changes. */
export function useOffline(): OfflineState {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => state,
  );
}

/**
 * Keeps the page's files for the next visits, once the page stands. Where a browser knows no service worker, or denies it,
 * the page is as it was. A newer version is only told of: the page goes on with the one it began with.
 */
export async function keepOffline(): Promise<void> {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return;
  try {
    const registration = await navigator.serviceWorker.register('./sw.js', { updateViaCache: 'none' });
    const follow = (worker: ServiceWorker | null) => {
      const tell = () => {
        if (worker?.state === 'activated') set({ isReady: true });
        if (worker?.state !== 'installed' || !registration.active) return;
        waiting = worker;
        set({ hasUpdate: true });
      };
      worker?.addEventListener('statechange', tell);
      tell();
    };
    registration.addEventListener('updatefound', () => follow(registration.installing));
    for (const worker of [registration.active, registration.waiting, registration.installing]) follow(worker);
    let asked = Date.now();
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState !== 'visible' || Date.now() - asked < ASK_AGAIN_MS) return;
      asked = Date.now();
      registration.update().catch(() => undefined);
    });
  } catch (error) {
    // Private windows deny it; all else works.
    console.warn('The page will not open without a network.', error);
  }
}

/** Loads the newer version in this tab; others go on with the one they have. */
export function takeUpdate(): void {
  navigator.serviceWorker.addEventListener('controllerchange', () => location.reload(), { once: true });
  waiting?.postMessage('take over');
}
