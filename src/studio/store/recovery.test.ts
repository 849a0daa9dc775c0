import { describe, expect, it } from 'vitest';
import { GraftError } from '../../base/lib/errors.ts';
import { expectGraftError } from '../../testing/errors.ts';
import { errorKind } from '../../base/lib/errorKind.ts';
import { withRecovery } from './recovery.ts';

const lost = () => new GraftError('gpu.device_lost', { reason: 'reset' });
const refused = () => new GraftError('gpu.no_adapter', { detail: '' });

/** Fails with each error in turn, then ends; records the waits. `steps`: the step on disk after each loss. */
function course(errors: readonly Error[], steps: readonly (number | null)[] = []) {
  const waits: number[] = [];
  const works: string[] = [];
  let losses = 0;
  const work = (name: string) => async () => {
    works.push(name);
    const error = errors[works.length - 1];
    if (error) throw error;
    return 'done';
  };
  const ended = withRecovery(
    work('start'),
    work('resume'),
    () => steps[losses++] ?? null,
    async (ms) => void waits.push(ms),
  );
  return { ended, waits, works };
}

describe('a run', () => {
  it('resumes after lost devices and workers, and waits longer without progress', async () => {
    const crashed = new GraftError('workers.crashed', { worker: 'engine', reason: '' });
    const { ended, waits, works } = course([lost(), refused(), crashed, lost()], [0, 0, 0, 20]);
    expect(await ended).toBe('done');
    expect(works).toEqual(['start', 'resume', 'resume', 'resume', 'resume']);
    expect(waits).toEqual([1000, 2000, 4000, 1000]);
  });

  it('resumes if another call found the device lost and ended the worker', async () => {
    const restarted = new GraftError('workers.restarted', { reason: '' }, { cause: lost() });
    expect(await course([restarted], [5]).ended).toBe('done');
    const full = new GraftError('gpu.out_of_memory', {});
    expect(errorKind(new GraftError('workers.restarted', { reason: '' }, { cause: full }))).not.toBe(
      'recoverable',
    );
  });

  it('fails on permanent errors, and if it is not stored', async () => {
    await expectGraftError(() => course([new GraftError('train.no_rows')], [0]).ended, 'train.no_rows');
    await expectGraftError(() => course([lost()], [null]).ended, 'gpu.device_lost');
    // A browser without a device at the start will not have one a second later.
    await expectGraftError(() => course([refused()], [0]).ended, 'gpu.no_adapter');
  });

  it('gives up after two minutes without a checkpoint', async () => {
    const { ended, waits } = course(
      Array.from({ length: 20 }, lost),
      Array.from({ length: 20 }, () => 3),
    );
    await expectGraftError(() => ended, 'gpu.device_lost');
    expect(waits).toHaveLength(10);
    expect(waits.reduce((a, b) => a + b, 0)).toBeLessThan(130_000);
  });
});
