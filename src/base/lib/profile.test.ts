import { expect, it } from 'vitest';
import { chromeTrace, clockStep, flameOf, kernelTime, kernelTotals, type Profile } from './profile.ts';

const dispatch = (
  kernel: string,
  scope: string[],
  start: number,
  ms: number,
  flops: number | null = null,
) => ({
  kernel,
  scope,
  start,
  ms,
  flops,
  groups: 1,
  bytes: 2e6,
});

const profile: Profile = {
  adapter: 'test',
  ms: 12,
  dispatches: [
    dispatch('embedding', ['forward'], 0, 1),
    dispatch('matmul', ['forward', 'layer 0'], 1, 4, 8e9),
    dispatch('matmul', ['forward', 'layer 1'], 5, 2),
    dispatch('matmul', ['backward', 'layer 1'], 8, 4, 8e9),
  ],
};

it('sums by kernel, with rates over dispatches of known work', () => {
  expect(kernelTime(profile)).toBe(11);
  expect(kernelTotals(profile)).toEqual([
    { kernel: 'matmul', calls: 3, ms: 10, share: 10 / 11, gflops: 2000, gigabytes: 0.6 },
    { kernel: 'embedding', calls: 1, ms: 1, share: 1 / 11, gflops: null, gigabytes: 2 },
  ]);
});

it('is a tree of parts, each as long as its children', () => {
  const flame = flameOf(profile, 'step 3');
  expect([flame.name, flame.start, flame.end]).toEqual(['step 3', 0, 12]);
  const parts = flame.children.map(({ name, start, end }) => [name, start, end]);
  expect(parts).toEqual([
    ['forward', 0, 7],
    ['backward', 8, 12],
  ]);
  const [forward] = flame.children;
  expect(forward!.children.map(({ name, end }) => [name, end])).toEqual([
    ['embedding', 1],
    ['layer 0', 5],
    ['layer 1', 7],
  ]);
  expect(forward!.children[1]!.children[0]!.dispatch).toBe(profile.dispatches[1]);
});

it('exports a Chrome trace in microseconds', () => {
  const { traceEvents } = JSON.parse(chromeTrace(profile)) as { traceEvents: Record<string, unknown>[] };
  expect(traceEvents).toHaveLength(1 + 2 + 3 + 4);
  expect(traceEvents.find(({ name, dur }) => name === 'matmul' && dur === 2000)).toMatchObject({
    ph: 'X',
    ts: 5000,
    pid: 1,
    tid: 1,
    args: { workgroups: 1, flops: null, bytes: 2e6 },
  });
});

it('finds the step of the clock', () => {
  const coarse = profile.dispatches.map((d) => ({ ...d, start: d.start * 0.1, ms: d.ms * 0.1 }));
  expect(clockStep({ ...profile, dispatches: coarse })).toBeCloseTo(0.1, 9);
  expect(clockStep({ ...profile, dispatches: [] })).toBe(0);
});
