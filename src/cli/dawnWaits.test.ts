import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { calmDawn } from './dawnWaits.ts';

const { setImmediate: original } = globalThis;

afterEach(() => {
  globalThis.setImmediate = original;
});

/** Looks native and has no name, as Dawn's callback. */
function nativeOf(f: () => void): () => void {
  return Object.defineProperty(f.bind(null), 'name', { value: '' });
}

/** When Dawn asks, in ms from its first question, when something is under way for `milliseconds`. */
async function questionsIn(milliseconds: number): Promise<number[]> {
  const asked: number[] = [];
  const start = performance.now();
  await new Promise<void>((resolve) => {
    const ask = nativeOf(() => {
      asked.push(performance.now() - start);
      if (asked.at(-1)! < milliseconds) setImmediate(ask);
      else resolve();
    });
    setImmediate(ask);
  });
  return asked;
}

describe('calmDawn', () => {
  it('asks at most once a millisecond in a long wait, and without pause again in the next', async () => {
    calmDawn();
    const long = await questionsIn(60);
    expect(long.filter((at) => at > 3).length).toBeLessThan(65);
    // A machine under load may stop in between; not each time.
    const short = [];
    for (let i = 0; i < 10; i++) short.push((await questionsIn(1)).length);
    expect(Math.max(...short)).toBeGreaterThan(10);
  });

  it('leaves everybody else’s setImmediate as it is', async () => {
    calmDawn();
    const order: string[] = [];
    setTimeout(() => order.push('timer'), 5);
    await promisify(setImmediate)();
    order.push('promise');
    await new Promise<void>((resolve) =>
      setImmediate((value: string) => resolve(void order.push(value)), 'argument'),
    );
    expect(order).toEqual(['promise', 'argument']);
  });
});
