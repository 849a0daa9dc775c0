import { useSyncExternalStore } from 'react';

/** State of the page's service worker. */
export interface OfflineState {
  /** All files are cached: the page opens offline. */
  isReady: boolean;
  /** A newer version of the page waits. */
  hasUpdate: boolean;
}

/** How often a long-lived tab checks for a newer version, in ms. */
const ASK_AGAIN_MS = 6 * 60 * 60 * 1000;

let state: OfflineState = { isReady: false, hasUpdate: false };
let waiting: ServiceWorker | null = null;
const listeners = new Set<() => void>();

function set(changes: Partial<OfflineState>): void {
  state = { ...state, ...changes };
  for (const listener of listeners) listener();
}

/** The state of the page's service worker; re-renders the component when it changes. */
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
 * Caches the page's files for later visits, once the page has loaded. Without service workers, the page is unaffected.
 * A newer version is only announced: the page continues with the one it started with.
 */
export async function keepOffline(): Promise<void> {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return;
  try {
    const registration = await navigator.serviceWorker.register('./sw.js', { updateViaCache: 'none' });
    const watch = (worker: ServiceWorker | null) => {
      const update = () => {
        if (worker?.state === 'activated') set({ isReady: true });
        if (worker?.state !== 'installed' || !registration.active) return;
        waiting = worker;
        set({ hasUpdate: true });
      };
      worker?.addEventListener('statechange', update);
      update();
    };
    registration.addEventListener('updatefound', () => watch(registration.installing));
    for (const worker of [registration.active, registration.waiting, registration.installing]) watch(worker);
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

/** Loads the newer version in this tab; others continue with the one they have. */
export function takeUpdate(): void {
  navigator.serviceWorker.addEventListener('controllerchange', () => location.reload(), { once: true });
  waiting?.postMessage('take over');
}
