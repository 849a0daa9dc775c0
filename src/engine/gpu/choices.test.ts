import { expect, it } from 'vitest';
import { productKey, TunedChoices, type Product } from './choices.ts';

const product: Product = { layout: 'NT', m: 100, n: 896, k: 4864, a: 'f32', c: 'f16', w: 'nf4' };

it('gives products of similar size the same key, and different products different keys', () => {
  expect(productKey(product)).toBe('NT 128 1024 8192 f32 nf4 f16');
  expect(productKey({ ...product, m: 128, n: 1000 })).toBe(productKey(product));
  const others: Partial<Product>[] = [{ m: 129 }, { layout: 'NN' }, { a: 'f16' }, { c: 'f32' }, { w: 'f16' }];
  for (const other of others) expect(productKey({ ...product, ...other })).not.toBe(productKey(product));
});

it('records which choices were used', () => {
  const choices = new TunedChoices({
    [productKey(product)]: 'tile 32x64',
    'NT 1 1 1 f32 f32 f32': 'tile 8x64',
  });
  expect(choices.used).toEqual({});
  expect(choices.variantOf({ ...product, m: 70 })).toBe('tile 32x64');
  expect(choices.variantOf({ ...product, m: 300 })).toBeUndefined();
  expect(choices.used).toEqual({ [productKey(product)]: 'tile 32x64' });
});
