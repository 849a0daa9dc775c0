import type { GpuMemory } from '../gpu/memory.ts';
import type { StepReport } from '../train/trainer.ts';
import type { TrainEvent } from './runsProtocol.ts';

/** Steps over which speed is averaged. */
const WINDOW = 10;

/** Turns the trainer's reports into events for the page, with speed, time left and memory. */
export function trainReporter(
  onEvent: (event: TrainEvent) => void,
  memory: GpuMemory,
  trainableParameters: number,
) {
  const recent: { at: number; tokens: number }[] = [];
  let announced = false;
  let told = 0;
  return {
    begin() {
      memory.resetPeak();
      onEvent({ kind: 'phase', phase: 'firstStep' });
      recent.push({ at: performance.now(), tokens: 0 });
    },

    step(report: StepReport) {
      const { step, totalSteps, loss, gradNorm, lr, tokens, skipped, spike, contextTokens } = report;
      if (!announced) onEvent({ kind: 'start', totalSteps, trainableParameters });
      announced = true;
      told += 1;
      recent.push({ at: performance.now(), tokens: contextTokens });
      // The first step compiles what was not prepared: it drops out as soon as there is another.
      if (recent.length > (told === 2 ? 2 : WINDOW + 1)) recent.shift();
      const seconds = (recent.at(-1)!.at - recent[0]!.at) / 1000;
      const done = recent.slice(1).reduce((sum, r) => sum + r.tokens, 0);
      const secondsAStep = seconds / (recent.length - 1);
      onEvent({
        kind: 'step',
        step,
        loss,
        gradNorm,
        lr,
        tokens,
        skipped,
        spike,
        tokensPerSecond: done / seconds,
        secondsLeft: secondsAStep * (totalSteps - step),
        gpuBytes: memory.peak,
        gpuParts: memory.peakParts,
      });
    },
  };
}
