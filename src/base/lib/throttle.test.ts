import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { throttled } from './throttle.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('the first report passes, then one an interval, and always the last', () => {
  const passed: number[] = [];
  const report = throttled<number>(
    (done) => passed.push(done),
    (done) => done === 10,
    100,
  );
  for (let done = 0; done <= 10; done++) {
    report(done);
    vi.advanceTimersByTime(40);
  }
  expect(passed).toEqual([0, 3, 6, 9, 10]);
});
