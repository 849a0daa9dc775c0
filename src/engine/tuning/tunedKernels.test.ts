import { expect, it } from 'vitest';
import { writeText } from '../../content/formats/text.ts';
import type { Product } from '../gpu/choices.ts';
import { MemoryFolder } from '../../base/storage/memoryFolder.ts';
import { adapterKey, browserName, TunedKernels } from './tunedKernels.ts';

const product: Product = { layout: 'NT', m: 100, n: 64, k: 64, a: 'f32', c: 'f32', w: 'f32' };
const other: Product = { ...product, layout: 'TN' };

it('saves results for the next time, per adapter', async () => {
  const folder = new MemoryFolder('cache');
  const [one, two] = [await TunedKernels.open(folder, 'one'), await TunedKernels.open(folder, 'two')];
  one.set(product, 'tile 16x64');
  one.set(other, null);
  await one.save();
  two.set(product, 'split 16x8');
  await two.save();

  const later = await TunedKernels.open(folder, 'one');
  expect(later.counts).toEqual({ measured: 2, tuned: 1 });
  expect(later.has({ ...product, m: 128 })).toBe(true);
  expect(later.has({ ...product, m: 129 })).toBe(false);
  expect(later.choices().variantOf(product)).toBe('tile 16x64');
  expect(later.choices().variantOf(other)).toBeUndefined();
  expect((await TunedKernels.open(folder, 'two')).choices().variantOf(product)).toBe('split 16x8');
});

it('does not change choices that were handed out', async () => {
  const results = await TunedKernels.open(null, 'one');
  const before = results.choices();
  results.set(product, 'tile 16x64');
  await results.save();
  expect(before.variantOf(product)).toBeUndefined();
  expect(results.choices().variantOf(product)).toBe('tile 16x64');
});

it.each(['{"one": ', '[]', '{"one":{"NT 1 1 1 f32 f32 f32":"no such kernel"}}', '{"one":null}'])(
  'treats a damaged file as empty: %s',
  async (text) => {
    const folder = new MemoryFolder('cache');
    await writeText(folder, 'tuning.json', text);
    expect((await TunedKernels.open(folder, 'one')).counts).toEqual({ measured: 0, tuned: 0 });
  },
);

it('identifies adapters by everything that results depend on', () => {
  const gpu = { description: 'GPU', hasF16: true, subgroupSize: 8 };
  const shaders = { matmul_tile: 'a', rms_norm: 'b' };
  const key = adapterKey(gpu, 'Chrome/140', shaders);
  const others = [
    adapterKey({ ...gpu, description: 'Other' }, 'Chrome/140', shaders),
    adapterKey({ ...gpu, hasF16: false }, 'Chrome/140', shaders),
    adapterKey({ ...gpu, subgroupSize: null }, 'Chrome/140', shaders),
    adapterKey(gpu, 'Chrome/141', shaders),
    adapterKey(gpu, 'Chrome/140', { ...shaders, matmul_tile: 'c' }),
  ];
  expect(new Set([key, ...others]).size).toBe(6);
  expect(adapterKey(gpu, 'Chrome/140', { ...shaders, rms_norm: 'c' })).toBe(key);
});

it('uses the major version of browsers', () => {
  const chrome =
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.1.2 Safari/537.36';
  expect(browserName(chrome)).toBe('Chrome/140');
  expect(browserName('Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0')).toBe(
    'Firefox/153',
  );
  const safari =
    'Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Safari/605.1.15';
  expect(browserName(safari)).toBe('Version/26');
});
