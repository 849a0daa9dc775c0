import { expect } from 'vitest';
import { dynamicMap } from '../content/formats/quantized/dynamicMap.ts';
import { readBytes, readFloats, upload, uploadBytes } from '../engine/gpu/transfer.ts';
import type { AdamWStep } from '../engine/kernels/adamW.ts';
import { adamW8bit, STATE_BLOCK } from '../engine/kernels/adamW8bit.ts';
import { newAdam8bitRef, type Adam8bitRefState } from '../engine/kernels/adamW8bit.ref.ts';
import { gradNorm } from '../engine/kernels/gradNorm.ts';
import { PARTIALS } from '../engine/kernels/sum.ts';
import { assert } from '../base/lib/errors.ts';
import { randomArray } from './compare.ts';
import { testGpu } from './gpu.ts';
import { submit } from './kernels.ts';
import { tensorOf, zeros } from './tensors.ts';

const normIndex = 1;
const skippedIndex = 3;
/** The code maps of m and v. */
export const maps = { signed: dynamicMap(true), unsigned: dynamicMap(false) };

/** One matrix of the optimizer below. */
interface Matrix {
  params: Float32Array;
  state: Adam8bitRefState;
}

/**
 * 8-bit AdamW on the GPU over random matrices of these sizes in one flat buffer, each starting at a block boundary,
 * with a stateless block in between.
 */
export async function adam8bitOnGpu(sizes: readonly number[]) {
  const gpu = await testGpu();
  const starts: number[] = [];
  const blockNumbers: number[] = [];
  let flatBlocks = 0;
  for (const size of sizes) {
    starts.push(flatBlocks * STATE_BLOCK);
    for (let i = 0; i < Math.ceil(size / STATE_BLOCK); i++) blockNumbers.push(flatBlocks++);
    flatBlocks++;
  }
  const count = flatBlocks * STATE_BLOCK;
  const flatten = (parts: readonly ArrayLike<number>[]) => {
    const flat = new Float32Array(count);
    parts.forEach((part, i) => flat.set(part, starts[i]));
    return flat;
  };
  const start = flatten(sizes.map((size, i) => randomArray(10 + i, size)));
  const params = tensorOf(gpu, start, [count]);
  const blocks = tensorOf(gpu, Uint32Array.from(blockNumbers), [blockNumbers.length]);
  const codes = zeros(gpu, [blockNumbers.length, 2, STATE_BLOCK / 4], 'u32');
  const absmax = zeros(gpu, [blockNumbers.length, 2]);
  const stats = zeros(gpu, [4]);
  const partials = zeros(gpu, [PARTIALS]);
  const grads = zeros(gpu, [count]);
  const mapsTensor = tensorOf(gpu, Float32Array.of(...maps.signed, ...maps.unsigned), [512]);

  /** Runs a step with the gradients of each matrix. */
  const step = (parts: readonly ArrayLike<number>[], options: AdamWStep) => {
    upload(gpu, grads, flatten(parts));
    submit(gpu, (commands) => {
      const states = { codes, absmax, blocks, maps: mapsTensor };
      gradNorm(commands, { grads: [grads], partials, stats, index: normIndex });
      adamW8bit(commands, { params, grads, stats, normIndex, skippedIndex, ...states, ...options });
    });
  };
  /** Reads parameters and states of each matrix. */
  const read = async () => {
    const flat = await readFloats(gpu, params);
    const bytes = await readBytes(gpu, codes);
    const scales = await readFloats(gpu, absmax);
    let block = 0;
    const matrices = sizes.map((size, i): Matrix => {
      const state = newAdam8bitRef(size);
      state.mAbsmax.forEach((_, b) => {
        const at = (block + b) * 2 * STATE_BLOCK;
        const width = Math.min(STATE_BLOCK, size - b * STATE_BLOCK);
        state.mCodes.set(bytes.subarray(at, at + width), b * STATE_BLOCK);
        state.vCodes.set(bytes.subarray(at + STATE_BLOCK, at + STATE_BLOCK + width), b * STATE_BLOCK);
        state.mAbsmax[b] = scales[2 * (block + b)]!;
        state.vAbsmax[b] = scales[2 * (block + b) + 1]!;
      });
      block += state.mAbsmax.length;
      return { params: flat.slice(starts[i], starts[i]! + size), state };
    });
    const inside = new Set(
      sizes.flatMap((size, i) => Array.from({ length: size }, (_, k) => starts[i]! + k)),
    );
    const gaps = flat.filter((_, i) => !inside.has(i));
    return { matrices, gaps, skipped: (await readFloats(gpu, stats))[skippedIndex] };
  };
  /** Sets the parameters and states of the only matrix. */
  const write = (matrix: Matrix) => {
    assert(sizes.length === 1, 'there are several matrices');
    const { mAbsmax, vAbsmax, mCodes, vCodes } = matrix.state;
    const words = new Uint8Array(mAbsmax.length * 2 * STATE_BLOCK);
    mAbsmax.forEach((_, b) => {
      // Past the matrix's end m is 0, as after any step.
      words.fill(maps.signed.indexOf(0), 2 * b * STATE_BLOCK, (2 * b + 1) * STATE_BLOCK);
      const part = [b * STATE_BLOCK, (b + 1) * STATE_BLOCK] as const;
      words.set(mCodes.subarray(...part), 2 * b * STATE_BLOCK);
      words.set(vCodes.subarray(...part), (2 * b + 1) * STATE_BLOCK);
    });
    uploadBytes(gpu, codes, words);
    upload(
      gpu,
      absmax,
      Float32Array.from({ length: 2 * mAbsmax.length }, (_, i) => [mAbsmax, vAbsmax][i % 2]![i >> 1]!),
    );
    upload(gpu, params, flatten([matrix.params]));
  };
  return { step, read, write };
}

/** Maximum share of codes that may fall on the other side of a tie through f32 rounding. */
const OTHER_SIDE = 2e-3;

/** Expects codes nearest to x up to f32 rounding, and almost all of them equal to the reference's. */
export function expectCodes(
  actual: Uint8Array,
  expected: Uint8Array,
  values: Float64Array,
  absmax: Float32Array,
  map: Float32Array,
): void {
  let others = 0;
  actual.forEach((code, i) => {
    if (code === expected[i]) return;
    others++;
    const x = values[i]! / absmax[Math.floor(i / STATE_BLOCK)]!;
    const excess = Math.abs(map[code]! - x) - Math.abs(map[expected[i]!]! - x);
    expect(Math.abs(code - expected[i]!)).toBe(1);
    expect(excess).toBeLessThan(4e-6 * Math.abs(x) + 1e-12);
  });
  expect(others).toBeLessThanOrEqual(Math.max(1, OTHER_SIDE * actual.length));
}

/** Expects parameters correct to f32 rounding of themselves and of their updates. */
export function expectMoved(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  from: Float32Array,
): void {
  const excess = Array.from(
    expected,
    (x, i) => Math.abs(actual[i]! - x) - 2e-7 * Math.abs(x) - 1e-5 * Math.abs(x - from[i]!),
  );
  expect(Math.max(...excess)).toBeLessThanOrEqual(0);
}
