import type { TestContext } from 'vitest';
import type { Gpu } from '../engine/gpu/device.ts';

/** What {@link needF16} and its like skip: the test's own context. */
type Context = Pick<TestContext, 'skip'>;

/** Skips a test on a GPU that has no f16 in shaders, such as SwiftShader. */
export function needF16({ skip }: Context, gpu: Gpu): void {
  skip(!gpu.hasF16, 'the GPU has no f16 in shaders');
}

/** Skips a test on a GPU without subgroups of a fixed size. */
export function needSubgroups({ skip }: Context, gpu: Gpu): void {
  skip(gpu.subgroupSize === null, 'the GPU has no subgroups of one size');
}

/** Skips a test on a GPU that cannot time its passes. */
export function needTimestamps({ skip }: Context, gpu: Gpu): void {
  skip(!gpu.hasTimestamps, 'the GPU has no timestamp queries');
}

/** Skips a test on a GPU whose shaders cannot use subgroups. */
export function needAnySubgroups({ skip }: Context, gpu: Gpu): void {
  skip(!gpu.hasSubgroups, 'the GPU has no subgroups in shaders');
}
