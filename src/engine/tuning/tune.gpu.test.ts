import { expect, it } from 'vitest';
import type { Product } from '../gpu/choices.ts';
import { matmulCandidates, problemOf } from '../kernels/matmulVariants.ts';
import { MemoryFolder } from '../../base/storage/memoryFolder.ts';
import { testGpu } from '../../testing/gpu.ts';
import { refuseLeaks } from '../../testing/leaks.ts';
import { TunedKernels } from './tunedKernels.ts';
import { toMeasure, tune } from './tune.ts';
import { tuneProduct } from './tuneProduct.ts';

refuseLeaks();

const products: Product[] = [
  { layout: 'TN', m: 24, n: 40, k: 300, a: 'f32', c: 'f32', w: 'f32' },
  { layout: 'NT', m: 33, n: 40, k: 64, a: 'f32', c: 'f32', w: 'nf4' },
];

it('measures every candidate of a product, and finds all of them equal', async () => {
  const gpu = await testGpu();
  for (const product of products) {
    const { best, trials } = await tuneProduct(gpu, product, new AbortController().signal);
    const candidates = matmulCandidates(problemOf(product), gpu);
    expect(trials.map(({ variant }) => variant)).toEqual(candidates);
    expect(trials.every(({ equal, seconds }) => equal && seconds > 0 && seconds < Infinity)).toBe(true);
    expect(candidates).toContain(best);
  }
});

it('saves each result, stops when aborted, and resumes from there', async () => {
  const gpu = await testGpu();
  const before = gpu.choices;
  const folder = new MemoryFolder('cache');
  const results = await TunedKernels.open(folder, 'adapter');
  const stop = new AbortController();
  const tuned: Product[] = [];
  const stopped = tune(gpu, products, results, {
    signal: stop.signal,
    onTuned: (product) => {
      tuned.push(product);
      stop.abort(new Error('a run begins'));
    },
  });
  await expect(stopped).rejects.toThrow('a run begins');
  expect(tuned).toEqual(products.slice(0, 1));

  const later = await TunedKernels.open(folder, 'adapter');
  expect(toMeasure(gpu, products, later)).toEqual(products.slice(1));
  expect(await tune(gpu, products, later, { signal: new AbortController().signal })).toBe(1);
  expect(toMeasure(gpu, products, await TunedKernels.open(folder, 'adapter'))).toEqual([]);
  expect(gpu.choices).toBe(before);
});

it('skips products that would block the adapter', async () => {
  const gpu = await testGpu();
  const results = await TunedKernels.open(null, 'adapter');
  const options = { signal: new AbortController().signal, maxSeconds: 0 };
  // The first measurement gives the adapter's speed.
  expect(await tune(gpu, products, results, options)).toBe(1);
  expect(toMeasure(gpu, products, results)).toEqual([]);
  expect(results.counts.measured).toBe(1);
});
