import { useEffect } from 'react';
import { useStudio } from '../store/index.ts';
import { isTraining } from '../store/state.ts';

/**
 * Keeps the screen on during training: a sleeping machine trains nothing. Browsers release the lock of a hidden page,
 * so it is requested again when the page becomes visible.
 */
export function WakeLock() {
  const training = useStudio(isTraining);
  useEffect(() => {
    if (!training || !('wakeLock' in navigator)) return;
    let lock: WakeLockSentinel | null = null;
    let over = false;
    const take = async () => {
      if (document.visibilityState !== 'visible') return;
      // Refused on low battery: training continues anyway.
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
