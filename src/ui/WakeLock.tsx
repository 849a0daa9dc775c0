import { useEffect } from 'react';
import { useStudio } from '../store/index.ts';
import { isTraining } from '../store/state.ts';

/**
 * Keeps the screen on while a model is trained: a machine that sleeps trains nothing. A browser takes the lock away from a
 * hidden page, so it is asked for again when the page is seen.
 */
export function WakeLock() {
  const training = useStudio(isTraining);
  useEffect(() => {
    if (!training || !('wakeLock' in navigator)) return;
    let lock: WakeLockSentinel | null = null;
    let over = false;
    const take = async () => {
      if (document.visibilityState !== 'visible') return;
      // Refused on a low battery: the training goes on all the same.
      const taken = await navigator.wakeLock.request('screen').catch(() => null);
      if (over) void taken?.release();
      else lock = taken;
    };
    void take();
    const onVisible = () => void take();
    document.addEventListener('visibilitychange', onVisible);
    return () => {
      over = true;
      document.removeEventListener('visibilitychange', onVisible);
      void lock?.release();
    };
  }, [training]);
  return null;
}
