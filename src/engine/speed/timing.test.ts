import { afterEach, describe, expect, it, vi } from 'vitest';
import { median, timeRuns, type TimingLimits } from './timing.ts';

/** A device on which a run takes `run` seconds, a submit `submit` more, and the first run compiles for a second. */
function device(run: number, submit: number) {
  const asked: number[] = [];
  const secondsOf = async (times: number) => {
    asked.push(times);
    return submit + times * run + (asked.length === 1 ? 1 : 0);
  };
  return { asked, secondsOf };
}

const limits = (changes: Partial<TimingLimits> = {}): TimingLimits => ({
  overhead: 0,
  sample: 0.02,
  budget: 60,
  signal: new AbortController().signal,
  ...changes,
});

afterEach(() => vi.restoreAllMocks());

describe('timeRuns', () => {
  it.each([2e-6, 1e-4, 0.004, 0.3])('measures a run of %d s with submits that cost 1 ms', async (run) => {
    const { secondsOf, asked } = device(run, 1e-3);
    const { seconds, best, samples } = await timeRuns(secondsOf, limits({ overhead: 1e-3 }));
    expect(seconds).toBeCloseTo(run, 9);
    expect(best).toBeCloseTo(run, 9);
    expect(samples).toBe(15);
    // The last submits are long enough for coarse clocks, unless they contain the maximum of runs.
    expect(asked.at(-1)! * run >= 0.019 || asked.at(-1) === 4096).toBe(true);
    expect(asked.length).toBeLessThan(15 + 7);
  });

  it('takes the median of disturbed samples', async () => {
    let calls = 0;
    const disturbed = async (times: number) => times * (calls++ % 3 === 0 ? 0.5 : 0.1);
    const { seconds, best } = await timeRuns(disturbed, limits());
    expect(seconds).toBeCloseTo(0.1);
    expect(best).toBeCloseTo(0.1);
  });

  it('stops after its budget, and later on the signal', async () => {
    let now = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => now);
    const slow = async () => {
      now += 20;
      return 1;
    };
    expect((await timeRuns(slow, limits({ budget: 0.01 }))).samples).toBeLessThan(5);
    expect((await timeRuns(slow, limits({ budget: 0.2 }))).samples).toBe(10);
    const controller = new AbortController();
    controller.abort(new Error('aborted'));
    await expect(timeRuns(slow, limits({ signal: controller.signal }))).rejects.toThrow('aborted');
  });
});

describe('median', () => {
  it('is the middle value, or the mean of the two in the middle', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
  });
});
