import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { memoryParts, type MemoryByPart } from '../gpu/memory.ts';
import { Metrics, smoothingFor, type StepEvent } from './metrics.ts';

function step(n: number, loss: number): StepEvent {
  return {
    kind: 'step',
    step: n,
    loss,
    gradNorm: 1,
    lr: 1e-3,
    tokens: 10,
    skipped: !Number.isFinite(loss),
    spike: false,
    tokensPerSecond: 100,
    secondsLeft: 1,
    gpuBytes: 1000,
    gpuParts: Object.fromEntries(memoryParts.map((part) => [part, 0])) as MemoryByPart,
  };
}

describe('Metrics', () => {
  it('smooths without bias: a constant loss stays what it is from the first step', () => {
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

  it('weighs the past as the formula of the de-biased average says', () => {
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

  it('leaves a loss that is not finite out of the average, and draws a gap', () => {
    const metrics = new Metrics();
    metrics.push(step(1, 2));
    metrics.push(step(2, NaN));
    metrics.push(step(3, 2));
    expect(metrics.at('smoothed', 1)).toBeCloseTo(2, 12);
    expect(metrics.chartData().loss).toEqual([2, null, 2]);
    metrics.flush();
  });

  it('keeps every step beyond its first capacity, and thins only the chart', () => {
    const metrics = new Metrics();
    for (let i = 1; i <= 3000; i++) metrics.push(step(i, i));
    metrics.pushEvaluation(1501, 7);
    expect(metrics.length).toBe(3000);
    expect(metrics.at('loss', 2999)).toBe(3000);
    const { steps, evaluation } = metrics.chartData(100);
    expect(steps.length).toBeLessThanOrEqual(102);
    expect(steps.at(-1)).toBe(3000);
    expect(evaluation[steps.indexOf(1501)]).toBe(7);
    metrics.flush();
  });

  it('tells its listeners once for many steps, and at once when flushed', () => {
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

  it('forgets everything for a new run', () => {
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
