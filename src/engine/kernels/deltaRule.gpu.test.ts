import { describe, expect, it } from 'vitest';
import type { ElementType } from '../gpu/tensor.ts';
import { readFloats } from '../gpu/transfer.ts';
import { expectClose, randomArray } from '../../testing/compare.ts';
import { finiteDifference } from '../../testing/finiteDifference.ts';
import { testGpu } from '../../testing/gpu.ts';
import { asStored, submit } from '../../testing/kernels.ts';
import { needF16 } from '../../testing/needs.ts';
import { segmentsOf } from '../../testing/segments.ts';
import { tensorOf, zeros } from '../../testing/tensors.ts';
import {
  chunksOf,
  deltaRule,
  deltaRuleBackward,
  deltaRuleGates,
  deltaRuleGatesBackward,
  deltaRuleScan,
  GATES,
} from './deltaRule.ts';
import { deltaRuleBackwardRef, deltaRuleRef, type DeltaRuleRef } from './deltaRule.ref.ts';
import { NEW_STATE } from './segmentPool.ts';

interface Case {
  lengths: readonly number[];
  keyHeads: number;
  valueHeads: number;
  keyDim: number;
  valueDim: number;
  /** Of log decay: 2 forgets within a token or two. */
  decay?: number;
}

function makeCase(of: Case, type: ElementType = 'f32') {
  const { lengths, keyHeads, valueHeads, keyDim, valueDim, decay = -1 } = of;
  const { segmentStart } = segmentsOf(lengths);
  const rows = segmentStart.length;
  const width = 2 * keyHeads * keyDim + valueHeads * valueDim;
  const input = {
    keyHeads,
    valueHeads,
    keyDim,
    valueDim,
    segmentStart,
    qkv: randomArray(1, rows * width, 2),
    a: asStored(randomArray(2, rows * valueHeads, 3), type),
    b: asStored(randomArray(3, rows * valueHeads, 3), type),
    decay: randomArray(4, valueHeads).map((x) => x + decay),
    stepBias: randomArray(5, valueHeads),
  };
  return { input, rows, width, dO: randomArray(6, rows * valueHeads * valueDim) };
}

type Made = ReturnType<typeof makeCase>;

/** Runs tokens from `first` on, after `past`. */
async function run({ input, rows, width, dO }: Made, type: ElementType = 'f32', pieces = [rows]) {
  const gpu = await testGpu();
  const { keyHeads, valueHeads, keyDim, valueDim } = input;
  // Columns of others around those of a and b.
  const stride = 2 * valueHeads + 3;
  const projected = new Float32Array(rows * stride);
  for (let t = 0; t < rows; t++) {
    projected.set(input.b.subarray(t * valueHeads, (t + 1) * valueHeads), t * stride + 1);
    projected.set(input.a.subarray(t * valueHeads, (t + 1) * valueHeads), t * stride + 2 + valueHeads);
  }
  const [decay, stepBias] = [input.decay, input.stepBias].map((x) => tensorOf(gpu, x, [valueHeads]));
  // What a sequence before left there must not be read.
  const stateSize = valueHeads * keyDim * valueDim;
  const state = tensorOf(gpu, new Float32Array(stateSize).fill(5), [stateSize]);
  const outputs: number[] = [];
  let first = 0;
  for (const count of pieces) {
    const part = (all: Float32Array, columns: number) =>
      all.slice(first * columns, (first + count) * columns);
    const rule = {
      rows: count,
      keyHeads,
      valueHeads,
      keyDim,
      valueDim,
      segmentStart: tensorOf(gpu, input.segmentStart.slice(first, first + count), [count]),
      qkv: tensorOf(gpu, part(input.qkv, width), [count, width]),
      gates: zeros(gpu, [count, GATES, valueHeads]),
    };
    const gated = {
      projected: tensorOf(gpu, part(projected, stride), [count, stride], type),
      stride,
      betaStart: 1,
      decayStart: 2 + valueHeads,
      norms: zeros(gpu, [count, 2 * keyHeads]),
    };
    const [ofKeys, ofValues] = [count * valueHeads * keyDim, count * valueHeads * valueDim];
    const chunks = {
      w: zeros(gpu, [ofKeys]),
      added: zeros(gpu, [ofValues]),
      states: zeros(gpu, [chunksOf(count), stateSize]),
    };
    const o = zeros(gpu, [ofValues]);
    const past = pieces.length > 1 ? { state, length: first } : null;
    submit(gpu, (commands) => {
      deltaRuleGates(commands, { ...rule, ...gated, decay: decay!, stepBias: stepBias! });
      deltaRule(commands, { ...rule, ...chunks, o, past });
    });
    outputs.push(...(await readFloats(gpu, o)));
    first += count;
    if (first < rows || pieces.length > 1) continue;
    const gradients = tensorOf(gpu, Float32Array.from([...dO, ...dO.map(() => 7)]), [2, ofValues]);
    const back = {
      gradients,
      dStates: zeros(gpu, chunks.states.shape),
      dKeys: zeros(gpu, [3, ofKeys]),
      dQkv: zeros(gpu, [count, width]),
    };
    const dProjected = tensorOf(gpu, new Float32Array(count * stride).fill(9), [count, stride]);
    const dSmall = zeros(gpu, [count, 2, valueHeads]);
    submit(gpu, (commands) => {
      deltaRuleBackward(commands, { ...rule, ...chunks, ...back });
      deltaRuleGatesBackward(commands, { ...rule, ...gated, ...back, dProjected, dSmall });
    });
    const all = await readFloats(gpu, dProjected);
    const small = await readFloats(gpu, dSmall);
    const columns = (start: number) =>
      Float32Array.from(
        { length: count * valueHeads },
        (_, i) => all[Math.floor(i / valueHeads) * stride + start + (i % valueHeads)]!,
      );
    const summed = (start: number) =>
      Float64Array.from({ length: valueHeads }, (_, head) => {
        let sum = 0;
        for (let t = 0; t < count; t++) sum += small[2 * t * valueHeads + start + head]!;
        return sum;
      });
    // Others' columns are left alone.
    expect([all[0], all[1 + valueHeads], all[stride - 1]]).toEqual([9, 9, 9]);
    return {
      o: Float32Array.from(outputs),
      dQkv: await readFloats(gpu, back.dQkv),
      dB: columns(1),
      dA: columns(2 + valueHeads),
      dDecay: summed(0),
      dStepBias: summed(valueHeads),
    };
  }
  return { o: Float32Array.from(outputs) };
}

function largest(values: ArrayLike<number>): number {
  return Array.from(values).reduce((most, x) => Math.max(most, Math.abs(x)), 0);
}

function expectAsLarge(found: ArrayLike<number>, exact: ArrayLike<number>, within: number): void {
  expectClose(found, exact, { atol: within * largest(exact), rtol: 0 });
}

const cases: Case[] = [
  { lengths: [1], keyHeads: 1, valueHeads: 1, keyDim: 1, valueDim: 1 },
  { lengths: [31], keyHeads: 2, valueHeads: 4, keyDim: 24, valueDim: 20 },
  { lengths: [29, 13, 1, 2], keyHeads: 2, valueHeads: 6, keyDim: 12, valueDim: 24 },
  // Segments that begin and end within a chunk, at its bounds, and go over several.
  { lengths: [32, 70, 3, 5, 22, 33], keyHeads: 3, valueHeads: 3, keyDim: 7, valueDim: 33 },
  { lengths: [65], keyHeads: 1, valueHeads: 2, keyDim: 40, valueDim: 17, decay: 2.5 },
  { lengths: [5, 60], keyHeads: 1, valueHeads: 1, keyDim: 160, valueDim: 130, decay: -4 },
];
const named = cases.map((of) => [JSON.stringify(of), of] as const);

describe.each(named)('a gated delta rule %s', (_, of) => {
  it.for(['f32', 'f16'] as const)('is the reference forward and backward, %s', async (type, context) => {
    if (type === 'f16') needF16(context, await testGpu());
    const made = makeCase(of, type);
    const found = await run(made, type);
    expectAsLarge(found.o, deltaRuleRef(made.input), 2e-6);
    const exact = deltaRuleBackwardRef(made.input, made.dO);
    for (const name of ['dQkv', 'dA', 'dB'] as const) expectAsLarge(found[name]!, exact[name], 1e-5);
    // Where all is forgotten within a token or two, they are small against what they are the difference of.
    for (const name of ['dDecay', 'dStepBias'] as const) expectAsLarge(found[name]!, exact[name], 1e-4);
  });
});

it.each([[[1, 1, 1, 40, 33]], [[35, 1, 1]]])('goes on from its state, in pieces of %j', async (pieces) => {
  const rows = pieces.reduce((sum, n) => sum + n, 0);
  const made = makeCase({ lengths: [rows], keyHeads: 2, valueHeads: 4, keyDim: 12, valueDim: 9 });
  const { o } = await run(made, 'f32', pieces);
  expectAsLarge(o, deltaRuleRef(made.input), 2e-6);
});

it('has a reference whose gradient matches finite differences', () => {
  const { input, dO } = makeCase({ lengths: [4, 3], keyHeads: 1, valueHeads: 2, keyDim: 3, valueDim: 2 });
  const exact = deltaRuleBackwardRef(input, dO);
  const loss = (changed: Partial<DeltaRuleRef>) =>
    deltaRuleRef({ ...input, ...changed }).reduce((sum, x, i) => sum + x * dO[i]!, 0);
  for (const [name, gradient] of [
    ['qkv', exact.dQkv],
    ['a', exact.dA],
    ['b', exact.dB],
    ['decay', exact.dDecay],
    ['stepBias', exact.dStepBias],
  ] as const) {
    gradient.forEach((value, i) => {
      const difference = finiteDifference((x) => loss({ [name]: x }), input[name], i);
      expect(value, `${name}[${i}]`).toBeCloseTo(difference, 5);
    });
  }
});

it.each([
  { keyHeads: 1, valueHeads: 1, keyDim: 1, valueDim: 1 },
  { keyHeads: 2, valueHeads: 6, keyDim: 12, valueDim: 70 },
])('token after token from states in a pool, $valueHeads heads of $keyDim and $valueDim', async (of) => {
  const gpu = await testGpu();
  const [shared, ownOfFirst, ownOfSecond] = [6, 3, 1];
  const lengths = [shared + ownOfFirst, shared + ownOfSecond, 5];
  const { input, rows, width } = makeCase({ lengths, ...of });
  const { valueHeads, keyHeads, keyDim, valueDim } = input;
  // The second text begins as the first.
  const second = lengths[0]!;
  for (const [all, columns] of [
    [input.qkv, width],
    [input.a, valueHeads],
    [input.b, valueHeads],
  ] as const)
    all.copyWithin(second * columns, 0, shared * columns);
  const stride = 2 * valueHeads;
  const projected = new Float32Array(rows * stride);
  for (let t = 0; t < rows; t++) {
    projected.set(input.b.subarray(t * valueHeads, (t + 1) * valueHeads), t * stride);
    projected.set(input.a.subarray(t * valueHeads, (t + 1) * valueHeads), t * stride + valueHeads);
  }
  const size = valueHeads * keyDim * valueDim;
  const pool = tensorOf(gpu, new Float32Array(4 * size).fill(5), [4, size]);
  const o = zeros(gpu, [rows, valueHeads, valueDim]);
  const rule = {
    rows,
    keyHeads,
    valueHeads,
    keyDim,
    valueDim,
    segmentStart: zeros(gpu, [rows], 'u32'),
    qkv: tensorOf(gpu, input.qkv, [rows, width]),
    gates: zeros(gpu, [rows, GATES, valueHeads]),
  };
  const gated = {
    projected: tensorOf(gpu, projected, [rows, stride]),
    stride,
    betaStart: 0,
    decayStart: valueHeads,
    norms: zeros(gpu, [rows, 2 * keyHeads]),
    decay: tensorOf(gpu, input.decay, [valueHeads]),
    stepBias: tensorOf(gpu, input.stepBias, [valueHeads]),
  };
  const third = lengths[0]! + lengths[1]!;
  const steps = [
    [
      [0, shared, NEW_STATE, 3],
      [third, 2, NEW_STATE, 1],
    ],
    [
      [second + shared, ownOfSecond, 3, 0],
      [third + 2, 1, 1, 1],
      [shared, 2, 3, 2],
    ],
    [
      [shared + 2, 1, 2, 2],
      [third + 3, 2, 1, 1],
    ],
  ];
  submit(gpu, (commands) => {
    deltaRuleGates(commands, { ...rule, ...gated });
    for (const step of steps) {
      const segments = tensorOf(gpu, Uint32Array.from(step.flat()), [step.length, 4]);
      deltaRuleScan(commands, { ...rule, segments, count: step.length, pool, o });
    }
  });
  const columns = valueHeads * valueDim;
  const read = (all: ArrayLike<number>) =>
    Array.from(all).filter((_, i) => i < second * columns || i >= (second + shared) * columns);
  expectAsLarge(read(await readFloats(gpu, o)), read(deltaRuleRef(input)), 2e-6);
});
