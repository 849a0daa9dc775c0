import type { Progress } from './protocol.ts';

/** Tells of a load a message for each percent: one for every tensor of a large model would be thousands. */
export function loadingReporter(onProgress: (p: Progress) => void): (done: number, total: number) => void {
  let told = 0;
  return (done, total) => {
    if (done < total && done - told < total / 100) return;
    told = done;
    onProgress({ phase: 'weights', done, total, unit: 'bytes' });
  };
}
