import type { TrainEvent } from '../../../session/events.ts';
import type { TrainOptions } from '../../../session/trainJob.ts';
import { SpaceWait } from './spaceWait.ts';
import { log } from './terminal.ts';

/**
 * What a training does when a checkpoint cannot be written: it waits for space, and after that continues without
 * checkpoints. Each later one is tried once.
 * @param seconds the longest wait
 * @param signal stops the training, and the wait with it
 */
export function checkpointWait(
  seconds: number,
  signal: AbortSignal,
): Required<Pick<TrainOptions, 'onEvent' | 'onStorageFull'>> {
  const wait = new SpaceWait(seconds);
  let without = false;
  return {
    async onStorageFull(step, error) {
      if (await wait.tryAgain(`The checkpoint of step ${step}`, error, signal)) return 'retry';
      if (!without && !signal.aborted)
        log('Training continues without checkpoints; each later one is tried once.');
      without = true;
      return 'skip';
    },
    onEvent(event: TrainEvent) {
      if (event.kind !== 'checkpoint' || !wait.written()) return;
      without = false;
      log(`The checkpoint of step ${event.step} is written; training continues.`);
    },
  };
}
