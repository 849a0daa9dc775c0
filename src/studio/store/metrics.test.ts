import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { memoryParts, type MemoryByPart } from '../../engine/gpu/memory.ts';
import type { CurveRecord } from '../../hosts/browser/protocol.ts';
import { Metrics, type StepEvent } from './metrics.ts';
import { smoothingFor } from './smoothing.ts';

function step(n: number, loss: number): StepEvent {
  return {
    kind: 'step',
    step: n,
    loss,
    gradNorm: 1,
    lr: 1e-3,
    tokens: 10,
    contextTokens: 20,
    skipped: !Number.isFinite(loss),
    spike: false,
    tokensPerSecond: 100,
    secondsLeft: 1,
    gpuBytes: 1000,
    gpuParts: Object.fromEntries(memoryParts.map((part) => [part, 0])) as MemoryByPart,
  };
}

describe('Metrics', () => {
  it('smooths without bias: a constant loss is unchanged from the first step', () => {
    fc.assert(
      fc.property(
        fc.double({ min: -50, max: 50, noNaN: true }),
        fc.integer({ min: 0, max: 5000 }),
        (loss, total) => {
          const metrics = new Metrics();
          metrics.begin(total);
          for (let i = 1; i <= 30; i++) metrics.push(step(i, loss));
          for (let i = 0; i < 30; i++) expect(metrics.at('smoothed', i)).toBeCloseTo(loss, 9);
          metrics.flush();
        },
      ),
    );
  });

  it('weights the past by the formula of the de-biased average', () => {
    const metrics = new Metrics();
    metrics.begin(600);
    const losses = [4, 3, 5, 1];
    losses.forEach((loss, i) => metrics.push(step(i + 1, loss)));
    const beta = smoothingFor(600);
    const weights = losses.map((_, i) => beta ** (losses.length - 1 - i));
    const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);
    const expected = sum(losses.map((loss, i) => loss * weights[i]!)) / sum(weights);
    expect(metrics.at('smoothed', 3)).toBeCloseTo(expected, 12);
    metrics.flush();
  });

  it('excludes a non-finite loss from the average, and leaves a gap', () => {
    const metrics = new Metrics();
    metrics.push(step(1, 2));
    metrics.push(step(2, NaN));
    metrics.push(step(3, 2));
    expect(metrics.at('smoothed', 1)).toBeCloseTo(2, 12);
    expect(metrics.chartData().loss).toEqual([2, null, 2]);
    metrics.flush();
  });

  it('stores every step beyond its initial capacity, and thins only the chart', () => {
    const metrics = new Metrics();
    for (let i = 1; i <= 3000; i++) metrics.push(step(i, i === 2000 ? 9999 : i));
    metrics.pushEvaluation(0, 8);
    metrics.pushEvaluation(1501, 7);
    expect(metrics.length).toBe(3000);
    expect(metrics.at('loss', 2999)).toBe(3000);
    const { steps, loss, evaluation } = metrics.chartData({ from: 0, to: Infinity, width: 100 });
    expect(steps.length).toBeLessThanOrEqual(402);
    expect([steps[0], steps.at(-1)]).toEqual([0, 3000]);
    expect(loss[0]).toBeNull();
    expect(evaluation[steps.indexOf(1501)]).toBe(7);
    expect(loss[steps.indexOf(2000)]).toBe(9999);
    metrics.flush();
  });

  it('takes the 100,000 steps of a long run, and draws a window of them in full', () => {
    const metrics = new Metrics();
    for (let i = 1; i <= 100_000; i++) metrics.push(step(i, Math.sin(i)), i * 10);
    expect(metrics.length).toBe(100_000);
    expect(metrics.chartData({ from: 1, to: 100_000, width: 600 }).steps.length).toBeLessThanOrEqual(2400);
    const { steps, values } = metrics.columnData('loss', { from: 50_000, to: 50_009, width: 600 });
    expect(steps).toEqual([50_000, 50_001, 50_002, 50_003, 50_004, 50_005, 50_006, 50_007, 50_008, 50_009]);
    expect(values[0]).toBe(Math.sin(50_000));
    expect(metrics.rowNear(77_777)).toBe(77_776);
    metrics.flush();
  });

  it('smooths the raw curve anew, and by the default again', () => {
    const metrics = new Metrics();
    metrics.begin(600);
    [4, 3, 5, 1].forEach((loss, i) => metrics.push(step(i + 1, loss)));
    const before = metrics.smoothedLoss;
    metrics.setSmoothing(0);
    expect(metrics.smoothedLoss).toBe(1);
    expect(metrics.at('loss', 1)).toBe(3);
    metrics.push(step(5, 2));
    expect(metrics.smoothedLoss).toBe(2);
    metrics.rewind(4);
    metrics.setSmoothing(null);
    expect(metrics.smoothedLoss).toBe(before);
    metrics.flush();
  });

  it('gives the mean speed over the time between steps, without the wait of a resume', () => {
    const metrics = new Metrics();
    expect(metrics.meanTokensPerSecond).toBeNaN();
    metrics.push(step(1, 1), 60_000);
    expect(metrics.meanTokensPerSecond).toBeNaN();
    metrics.push(step(2, 1), 61_000);
    expect(metrics.meanTokensPerSecond).toBe(20);
    metrics.push(step(3, 1), 64_000);
    expect(metrics.meanTokensPerSecond).toBe(10);
    // Back at step 2, an hour later.
    metrics.rewind(2);
    expect(metrics.meanTokensPerSecond).toBe(20);
    metrics.push(step(3, 1), 3_600_000);
    metrics.push(step(4, 1), 3_604_000);
    expect(metrics.meanTokensPerSecond).toBe(8);
    metrics.flush();
  });

  it('marks what happened, and where a lost device came back', () => {
    const metrics = new Metrics();
    metrics.push(step(1, 1));
    metrics.push(step(2, NaN));
    metrics.mark({ kind: 'saved', step: 2 });
    metrics.push(step(3, 1));
    metrics.mark({ kind: 'saved', step: 3 });
    metrics.mark({ kind: 'lost', step: 3 });
    metrics.rewind(2);
    expect(metrics.marks).toEqual([
      { kind: 'skipped', step: 2 },
      { kind: 'saved', step: 2 },
      { kind: 'lost', step: 2 },
      { kind: 'resumed', step: 2 },
    ]);
    metrics.flush();
  });

  it('replays a stored run with its speeds, marks and checkpoints', () => {
    const metrics = new Metrics();
    const record = (n: number, at: number): CurveRecord => {
      const { gradNorm, lr, tokens, contextTokens, skipped } = step(n, n);
      return { kind: 'step', step: n, at, loss: n, gradNorm, lr, tokens, contextTokens, skipped };
    };
    metrics.restore(
      [
        record(1, 1000),
        record(2, 3000),
        { kind: 'eval', step: 2, at: 3500, loss: 5 },
        { kind: 'resumed', step: 2, at: 90_000 },
        record(3, 100_000),
        record(4, 101_000),
      ],
      10,
      [2],
    );
    const speeds = [0, 1, 2, 3].map((i) => metrics.at('tokensPerSecond', i));
    expect(speeds).toEqual([NaN, 10, NaN, 20]);
    expect(metrics.meanTokensPerSecond).toBeCloseTo(40 / 3, 12);
    expect(metrics.marks).toEqual([
      { kind: 'resumed', step: 2 },
      { kind: 'saved', step: 2 },
    ]);
    expect(metrics.evaluations).toEqual([{ step: 2, loss: 5 }]);
    expect(metrics.at('gpuBytes', 0)).toBeNaN();
  });

  it('notifies listeners once for many steps, and at once when flushed', () => {
    vi.useFakeTimers();
    try {
      const metrics = new Metrics(200);
      const heard = vi.fn<() => void>();
      const stop = metrics.subscribe(heard);
      for (let i = 1; i <= 50; i++) metrics.push(step(i, 1));
      expect(heard).not.toHaveBeenCalled();
      vi.advanceTimersByTime(200);
      expect(heard).toHaveBeenCalledTimes(1);
      metrics.push(step(51, 1));
      metrics.flush();
      expect(heard).toHaveBeenCalledTimes(2);
      vi.advanceTimersByTime(1000);
      expect(heard).toHaveBeenCalledTimes(2);
      stop();
      metrics.flush();
      expect(heard).toHaveBeenCalledTimes(2);
    } finally {
      vi.useRealTimers();
    }
  });

  it('clears everything for a new run', () => {
    const metrics = new Metrics();
    metrics.push(step(1, 9));
    metrics.pushEvaluation(1, 8);
    metrics.reset();
    expect(metrics.length).toBe(0);
    expect(metrics.latest).toBeNull();
    expect(metrics.evaluations).toEqual([]);
    metrics.push(step(1, 1));
    expect(metrics.at('smoothed', 0)).toBeCloseTo(1, 12);
    metrics.flush();
  });
});
