import { promisify } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { calmDawn } from './dawnWaits.ts';

const { setImmediate: original } = globalThis;

afterEach(() => {
  vi.restoreAllMocks();
  globalThis.setImmediate = original;
});

/** Looks native and has no name, as Dawn's callback. */
function nativeOf(f: () => void): () => void {
  return Object.defineProperty(f.bind(null), 'name', { value: '' });
}

/** A clock of its own, in ms: a turn of the event loop takes 0.1, and a timer its time. */
function ownClock(): (milliseconds: number) => number[] {
  let now = 0;
  const queue: (() => void)[] = [];
  const after = (ms: number, work: () => void): unknown =>
    queue.push(() => {
      now += ms;
      work();
    });
  vi.spyOn(performance, 'now').mockImplementation(() => now);
  vi.spyOn(globalThis, 'setImmediate').mockImplementation(((work: () => void) => after(0.1, work)) as never);
  vi.spyOn(globalThis, 'setTimeout').mockImplementation(((work: () => void, ms: number) =>
    after(ms, work)) as never);
  calmDawn();
  /** When Dawn asks, from its first question, when something is under way for so long. */
  return (milliseconds) => {
    const start = now;
    const asked: number[] = [];
    const ask = nativeOf(() => {
      asked.push(now - start);
      if (now - start < milliseconds) setImmediate(ask);
    });
    setImmediate(ask);
    while (queue.length > 0) queue.shift()!();
    return asked;
  };
}

describe('calmDawn', () => {
  it('asks at most once a millisecond in a long wait, and without pause again in the next', () => {
    const questionsIn = ownClock();
    const long = questionsIn(60);
    expect(long.filter((at) => at > 3).length).toBeLessThan(60);
    expect(long.filter((at) => at < 2).length).toBeGreaterThan(15);
    expect(questionsIn(1).length).toBeGreaterThanOrEqual(10);
  });

  it('leaves everybody else’s setImmediate as it is', async () => {
    const timers = vi.spyOn(globalThis, 'setTimeout');
    calmDawn();
    const order: string[] = [];
    await promisify(setImmediate)();
    order.push('promise');
    await new Promise<void>((resolve) =>
      setImmediate((value: string) => resolve(void order.push(value)), 'argument'),
    );
    expect(order).toEqual(['promise', 'argument']);
    expect(timers).not.toHaveBeenCalled();
  });
});
