import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Kernel } from './kernel.ts';
import { SubmitBudget } from './submitBudget.ts';

const kernelOf = (): Kernel => ({ msPerGroup: null }) as Kernel;

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

/** Submits `dispatches` dispatches of a kernel that take the GPU `ms` milliseconds. */
async function submit(budget: SubmitBudget, kernel: Kernel, dispatches: number, ms: number): Promise<void> {
  for (let i = 0; i < dispatches; i++) budget.add(kernel, 10);
  let done: () => void = () => undefined;
  const work = new Promise<undefined>((resolve) => (done = () => resolve(undefined)));
  budget.submitted({ onSubmittedWorkDone: () => work } as unknown as GPUQueue);
  expect(budget.due).toBe(false);
  vi.advanceTimersByTime(ms);
  done();
  await work;
  await Promise.resolve();
}

it('lets about a block of unmeasured dispatches into a submit, and a single one in any case', () => {
  const budget = new SubmitBudget();
  const kernel = kernelOf();
  let count = 0;
  for (; !budget.exceededBy(kernel, 1); count++) budget.add(kernel, 1);
  expect(count).toBeGreaterThan(20);
  expect(count).toBeLessThan(60);
  const slow = { ...kernelOf(), msPerGroup: 1e6 };
  expect(new SubmitBudget().exceededBy(slow, 1)).toBe(false);
});

it('fills submits up to a tenth of a second once it has measured them', async () => {
  for (const msPerDispatch of [0.1, 3, 40]) {
    const budget = new SubmitBudget();
    const kernel = kernelOf();
    for (let i = 0; i < 4; i++) await submit(budget, kernel, 30, 30 * msPerDispatch);
    let ms = 0;
    for (; !budget.exceededBy(kernel, 10); ms += msPerDispatch) budget.add(kernel, 10);
    expect(ms).toBeGreaterThan(39);
    expect(ms).toBeLessThanOrEqual(100);
  }
});

it('suggests submitting when the GPU is idle or enough is recorded', async () => {
  const budget = new SubmitBudget();
  const kernel = kernelOf();
  expect(budget.due).toBe(true);
  await submit(budget, kernel, 10, 50);
  expect(budget.due).toBe(true);
});
