import { expect, it } from 'vitest';
import { productKey, TunedChoices, type Product } from '../gpu/choices.ts';
import { DryGpu } from '../gpu/dryGpu.ts';
import { matmul } from './matmul.ts';
import { chooseVariant, matmulCandidates, problemOf } from './matmulVariants.ts';

const limits = { maxBinding: 2 ** 27, hasF16: false, subgroupSize: 8, description: 'test' };
const [m, n, k] = [20, 24, 16];
const product: Product = { layout: 'NT', m, n, k, a: 'f32', c: 'f32', w: 'f32' };
const chosen = (variant: string) => new TunedChoices({ [productKey(product)]: variant });

/** The kernels that a product takes on a device. */
function kernelsOf(choices: TunedChoices) {
  const gpu = new DryGpu({ ...limits, choices }, { notesKernels: true });
  const tensor = (shape: number[]) => gpu.memory.tensor('f32', shape, 'test');
  const factors = { a: tensor([m, k]), w: tensor([n, k]), c: tensor([m, n]) };
  matmul(gpu.commands(), { layout: 'NT', ...factors, m, n, k });
  return gpu.kernelUses;
}

it('takes the kernel that was chosen for a product, on a device that only counts too', () => {
  expect(kernelsOf(new TunedChoices({}))).toMatchObject([{ name: 'matmul_subgroup' }]);
  const choices = chosen('split 16x8');
  expect(kernelsOf(choices)).toMatchObject([{ name: 'matmul_split', constants: { PM: 4, PN: 2 } }]);
  expect(choices.used).toEqual({ [productKey(product)]: 'split 16x8' });
});

it('takes the default in place of what a device cannot run, or nobody knows', () => {
  const usual = { variant: matmulCandidates(problemOf(product), null)[0], tuned: false };
  const without = { subgroupSize: null };
  expect(chooseVariant({ ...without, choices: chosen('subgroup 8x4') }, product)).toEqual(usual);
  expect(chooseVariant({ ...without, choices: chosen('no such kernel') }, product)).toEqual(usual);
  expect(chooseVariant({ ...limits, choices: chosen('subgroup 8x4') }, product)).toEqual({
    variant: 'subgroup 8x4',
    tuned: true,
  });
});
