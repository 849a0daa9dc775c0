import { describe, expect, it } from 'vitest';
import { expectGraftError } from '../../../testing/errors.ts';
import { activationType } from './openDecoder.ts';

const gpu = { hasF16: true, kernelKind: 'gpu' as const, description: 'nvidia ada-lovelace' };
const lora = { method: 'lora' as const };

describe('the dtype "auto" of activations', () => {
  it('is f16 on a GPU', () => {
    expect(activationType(gpu, { ...lora, dtype: 'auto' })).toBe('f16');
    expect(activationType(gpu, { method: 'qlora', dtype: 'auto' })).toBe('f16');
  });

  it.each([
    ['a GPU without f16', { ...gpu, hasF16: false }],
    ['a processor', { ...gpu, kernelKind: 'vectors' as const }],
    ['a processor without vectors', { ...gpu, kernelKind: 'software' as const }],
  ])('is f32 on %s', (_, adapter) => {
    expect(activationType(adapter, { ...lora, dtype: 'auto' })).toBe('f32');
  });

  it('is f32 where the model itself is trained', () => {
    expect(activationType(gpu, { method: 'full', dtype: 'auto' })).toBe('f32');
    expect(activationType(gpu, { method: 'full', dtype: 'f16' })).toBe('f16');
  });
});

it('a dtype by name is taken as it is, and refused where shaders have none', async () => {
  expect(activationType(gpu, { ...lora, dtype: 'f32' })).toBe('f32');
  const work = () => activationType({ ...gpu, hasF16: false }, { ...lora, dtype: 'f16' });
  await expectGraftError(work, 'gpu.no_f16', { adapter: gpu.description });
});
