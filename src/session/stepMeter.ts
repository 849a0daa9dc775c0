import type { GpuMemory } from '../engine/gpu/memory.ts';
import type { StepReport } from '../engine/train/trainer.ts';
import type { StepEvent } from './events.ts';

/** Steps over which speed is averaged. */
const WINDOW = 10;

/** Adds speed, time left and peak memory to the reports of a run, which begins now. */
export function stepMeter(memory: GpuMemory): (report: StepReport) => StepEvent {
  memory.resetPeak();
  const recent = [{ at: performance.now(), tokens: 0 }];
  let steps = 0;
  return (report) => {
    steps += 1;
    recent.push({ at: performance.now(), tokens: report.contextTokens });
    // The first step compiles what was not prepared: it drops out as soon as there is another.
    if (recent.length > (steps === 2 ? 2 : WINDOW + 1)) recent.shift();
    const seconds = (recent.at(-1)!.at - recent[0]!.at) / 1000;
    const tokens = recent.slice(1).reduce((sum, step) => sum + step.tokens, 0);
    const secondsAStep = seconds / (recent.length - 1);
    return {
      ...report,
      tokensPerSecond: tokens / seconds,
      secondsLeft: secondsAStep * (report.totalSteps - report.step),
      gpuBytes: memory.peak,
      gpuParts: memory.peakParts,
    };
  };
}
