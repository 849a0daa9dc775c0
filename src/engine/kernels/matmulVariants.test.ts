import { expect, it } from 'vitest';
import { productKey, TunedChoices, type Product } from '../gpu/choices.ts';
import { DryGpu } from '../gpu/dryGpu.ts';
import { kernelKindOf } from '../gpu/kernelKind.ts';
import { matmul } from './matmul.ts';
import { chooseVariant, matmulCandidates, problemOf } from './matmulVariants.ts';
import { coresOf } from './cores.ts';

const adapterOf = (subgroupSize: number | null, description: string) => ({
  subgroupSize,
  description,
  kernelKind: kernelKindOf(subgroupSize, description),
});
const limits = { maxBinding: 2 ** 27, hasF16: false, ...adapterOf(8, 'test') };
const [m, n, k] = [20, 24, 16];
const product: Product = { layout: 'NT', m, n, k, a: 'f32', c: 'f32', w: 'f32' };
const chosen = (variant: string) => new TunedChoices({ [productKey(product)]: variant });

/** The kernels that a product uses on a device. */
function kernelsOf(choices: TunedChoices) {
  const gpu = new DryGpu({ ...limits, choices }, { recordsKernels: true });
  const tensor = (shape: number[]) => gpu.memory.tensor('f32', shape, 'test');
  const factors = { a: tensor([m, k]), w: tensor([n, k]), c: tensor([m, n]) };
  matmul(gpu.commands(), { layout: 'NT', ...factors, m, n, k });
  return gpu.kernelUses;
}

it('uses the kernel chosen for a product, also on a dry device', () => {
  expect(kernelsOf(new TunedChoices({}))).toMatchObject([{ name: 'matmul_subgroup' }]);
  const choices = chosen('split 16x8');
  expect(kernelsOf(choices)).toMatchObject([{ name: 'matmul_split', constants: { PM: 4, PN: 2 } }]);
  expect(choices.used).toEqual({ [productKey(product)]: 'split 16x8' });
});

it('falls back to the default for unknown kernels and those a device cannot run', () => {
  const without = adapterOf(null, 'test');
  const usual = { variant: matmulCandidates(problemOf(product), without)[0], tuned: false };
  expect(chooseVariant({ ...without, choices: chosen('subgroup 8x4') }, product)).toEqual(usual);
  expect(chooseVariant({ ...without, choices: chosen('no such kernel') }, product)).toEqual(usual);
  expect(chooseVariant({ ...limits, choices: chosen('subgroup 8x4') }, product)).toEqual({
    variant: 'subgroup 8x4',
    tuned: true,
  });
});

const nvidia = adapterOf(32, 'nvidia · hopper');
const usual = (sizes: Partial<Product>, adapter = nvidia) =>
  matmulCandidates(problemOf({ ...product, ...sizes }), adapter)[0];

it.each([
  [32, 'nvidia · hopper', 'gpu'],
  // AMD, Intel and Apple have subgroups of several sizes, of which shaders use none by its size.
  [null, 'amd · rdna-3', 'gpu'],
  [null, '', 'gpu'],
  [16, 'llvmpipe · mesa · software', 'gpu'],
  [8, 'llvmpipe · mesa · software', 'vectors'],
  [4, 'google · swiftshader', 'vectors'],
  [null, 'software', 'software'],
] as const)('subgroups of %s on "%s": kernels for %s', (subgroupSize, description, expected) => {
  expect(kernelKindOf(subgroupSize, description)).toBe(expected);
  const problem = problemOf({ ...product, m: 4096, n: 4096, k: 4096 });
  const candidates = matmulCandidates(problem, adapterOf(subgroupSize, description));
  expect(candidates.every((variant) => variant.startsWith('gpu'))).toBe(expected === 'gpu');
});

it('takes smaller tiles where large ones leave cores without work, then splits k', () => {
  expect(coresOf(nvidia)).toBe(64);
  expect(usual({ m: 2048, n: 2048, k: 2048 })).toBe('gpu 64x64');
  expect(usual({ m: 512, n: 512, k: 2048 })).toBe('gpu 32x64');
  expect(usual({ m: 128, n: 512, k: 2048 })).toBe('split 16x16');
  expect(usual({ m: 128, n: 512, k: 64 })).toBe('gpu 32x64');
  // Fewer cores are filled by fewer workgroups.
  expect(usual({ m: 512, n: 512, k: 2048 }, { ...nvidia, description: 'apple · metal-3' })).toBe('gpu 64x64');
  // A LoRA rank, from both sides.
  expect(usual({ m: 2048, n: 16, k: 4096 })).toBe('split 16x16');
  expect(usual({ m: 16, n: 4096, k: 2048 })).toBe('gpu 16x64');
});

it('tries operands in f16 where activations are', () => {
  const candidates = (a: Product['a']) =>
    matmulCandidates(problemOf({ ...product, m: 2048, n: 2048, k: 2048, a }), nvidia);
  expect(candidates('f16')).toContain('gpu 64x64 f16');
  expect(candidates('f32')).not.toContain('gpu 64x64 f16');
});
