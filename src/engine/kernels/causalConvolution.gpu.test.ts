import { describe, expect, it } from 'vitest';
import type { ElementType } from '../gpu/tensor.ts';
import { readFloats } from '../gpu/transfer.ts';
import { expectClose, randomArray } from '../../testing/compare.ts';
import { finiteDifference } from '../../testing/finiteDifference.ts';
import { testGpu } from '../../testing/gpu.ts';
import { asStored, submit, toleranceOf } from '../../testing/kernels.ts';
import { needF16 } from '../../testing/needs.ts';
import { segmentsOf } from '../../testing/segments.ts';
import { tensorOf, zeros } from '../../testing/tensors.ts';
import {
  causalConvolution,
  causalConvolutionBackward,
  causalConvolutionState,
  causalConvolutionWeights,
  type Convolution,
} from './causalConvolution.ts';
import { causalConvolutionBackwardRef, causalConvolutionRef } from './causalConvolution.ref.ts';
import { NEW_STATE } from './segmentPool.ts';

const close = { atol: 2e-6, rtol: 1e-5 };

interface Case {
  form: 'gated' | 'silu';
  lengths: number[];
  channels: number;
  taps: number;
  hasBias: boolean;
}

function makeCase({ form, lengths, channels, taps, hasBias }: Case, type: ElementType = 'f32') {
  const { segmentStart, segmentEnd } = segmentsOf(lengths);
  const rows = segmentStart.length;
  const width = form === 'gated' ? 3 * channels : channels;
  return {
    form,
    channels,
    taps,
    segmentStart,
    segmentEnd,
    raw: asStored(randomArray(1, rows * width, 2), type),
    weight: randomArray(2, channels * taps),
    bias: hasBias ? randomArray(3, channels) : null,
    dy: randomArray(4, rows * channels),
    rows,
    width,
  };
}

async function run(of: Case, type: ElementType) {
  const gpu = await testGpu();
  const { rows, channels, taps, width, ...values } = makeCase(of, type);
  // Columns of others behind those of the convolution, as in gated delta rule.
  const stride = of.form === 'gated' ? width : width + 3;
  const wide = new Float32Array(rows * stride).fill(7);
  for (let t = 0; t < rows; t++) wide.set(values.raw.subarray(t * width, (t + 1) * width), t * stride);
  const shape: Convolution = {
    form: of.form,
    rows,
    channels,
    stride,
    taps,
    weight: tensorOf(gpu, values.weight, [channels, taps]),
    bias: values.bias && tensorOf(gpu, values.bias, [channels]),
    segmentStart: tensorOf(gpu, values.segmentStart, [rows], 'u32'),
    segmentEnd: tensorOf(gpu, values.segmentEnd, [rows], 'u32'),
  };
  const raw = tensorOf(gpu, wide, [rows, stride], type);
  const y = zeros(gpu, [rows, channels], type);
  const dRaw = zeros(gpu, [rows, stride]);
  const dy = tensorOf(gpu, values.dy, [rows, channels]);
  const [dTaps, dBias] = [zeros(gpu, [channels, taps]), zeros(gpu, [channels])];
  submit(gpu, (commands) => {
    causalConvolution(commands, { ...shape, raw, y, past: null });
    causalConvolutionBackward(commands, { ...shape, raw, dy, dRaw });
    const scratch = (_: string, elements: number) => zeros(gpu, [elements]);
    // Twice: gradients accumulate.
    for (let i = 0; i < 2; i++)
      causalConvolutionWeights(commands, {
        ...shape,
        raw,
        dy,
        dTaps,
        dBias: of.hasBias ? dBias : null,
        scratch,
      });
  });
  const narrow = (all: Float32Array) =>
    Float32Array.from({ length: rows * width }, (_, i) => all[Math.floor(i / width) * stride + (i % width)]!);
  return {
    y: await readFloats(gpu, y),
    dRaw: narrow(await readFloats(gpu, dRaw)),
    dTaps: (await readFloats(gpu, dTaps)).map((v) => v / 2),
    dBias: (await readFloats(gpu, dBias)).map((v) => v / 2),
  };
}

const cases: Case[] = [
  { form: 'gated', lengths: [1], channels: 1, taps: 3, hasBias: false },
  { form: 'gated', lengths: [29, 13, 1, 2], channels: 60, taps: 3, hasBias: true },
  { form: 'gated', lengths: [70], channels: 130, taps: 5, hasBias: false },
  { form: 'gated', lengths: [3, 4, 5], channels: 33, taps: 1, hasBias: true },
  { form: 'silu', lengths: [29, 13, 1, 2], channels: 129, taps: 4, hasBias: false },
  { form: 'silu', lengths: [2, 1, 1, 40], channels: 7, taps: 2, hasBias: true },
];
const named = cases.map((of) => [JSON.stringify(of), of] as const);

describe.each(named)('a causal convolution %s', (_, of) => {
  it.for(['f32', 'f16'] as const)('is the reference forward and backward, %s', async (type, context) => {
    if (type === 'f16') needF16(context, await testGpu());
    const values = makeCase(of, type);
    const { y, dRaw, dTaps, dBias } = await run(of, type);
    expectClose(y, causalConvolutionRef(values), toleranceOf(type, close));
    const expected = causalConvolutionBackwardRef(values, values.dy);
    expectClose(dRaw, expected.dRaw, close);
    expectClose(dTaps, expected.dWeight, { atol: 2e-5, rtol: 1e-5 });
    if (of.hasBias) expectClose(dBias, expected.dBias, { atol: 2e-5, rtol: 1e-5 });
  });
});

it.each(['gated', 'silu'] as const)(
  'the gradient of the %s reference is that of finite differences',
  (form) => {
    const values = makeCase({ form, lengths: [4, 3, 1], channels: 2, taps: 3, hasBias: true });
    const exact = causalConvolutionBackwardRef(values, values.dy);
    const loss = (changed: Partial<typeof values>) =>
      causalConvolutionRef({ ...values, ...changed }).reduce((sum, v, i) => sum + v * values.dy[i]!, 0);
    const check = (key: 'raw' | 'weight' | 'bias', gradient: Float64Array) => {
      gradient.forEach((value, i) => {
        const difference = finiteDifference((x) => loss({ [key]: x }), values[key]!, i);
        expect(value).toBeCloseTo(difference, 5);
      });
    };
    check('raw', exact.dRaw);
    check('weight', exact.dWeight);
    check('bias', exact.dBias);
  },
);

// Pieces shorter than what the convolution remembers, and longer.
it.each([
  ['gated', 3, [5, 1, 1, 1, 2]],
  ['silu', 4, [1, 1, 1, 7, 2]],
  ['silu', 5, [2, 1, 9]],
  ['gated', 1, [2, 1]],
] as const)(
  'a %s convolution of %i taps goes on from its state, in pieces of %j',
  async (form, taps, pieces) => {
    const gpu = await testGpu();
    const rows = pieces.reduce((sum, n) => sum + n, 0);
    const values = makeCase({ form, lengths: [rows], channels: 11, taps, hasBias: true });
    const { width, channels, raw, weight, bias } = values;
    const expected = causalConvolutionRef(values);
    // What a sequence before left there must not be read.
    const inputs = tensorOf(gpu, new Float32Array(Math.max(1, taps - 1) * channels).fill(9), [
      Math.max(1, taps - 1),
      channels,
    ]);
    const found: number[] = [];
    let length = 0;
    for (const count of pieces) {
      const part = raw.slice(length * width, (length + count) * width);
      const shape: Convolution = {
        form,
        rows: count,
        channels,
        stride: width,
        taps,
        weight: tensorOf(gpu, weight, [channels, taps]),
        bias: tensorOf(gpu, bias!, [channels]),
        segmentStart: zeros(gpu, [count], 'u32'),
        segmentEnd: zeros(gpu, [count], 'u32'),
      };
      const [piece, y] = [tensorOf(gpu, part, [count, width]), zeros(gpu, [count, channels])];
      const past = { inputs, length };
      submit(gpu, (commands) => {
        causalConvolution(commands, { ...shape, raw: piece, y, past });
        causalConvolutionState(commands, { ...shape, raw: piece, past });
      });
      found.push(...(await readFloats(gpu, y)));
      length += count;
    }
    expectClose(Float32Array.from(found), expected, close);
  },
);

// Sequences in steps of different lengths, one of them from the state of another, in a pool with other contents.
it.each([
  ['gated', 3],
  ['silu', 4],
  ['silu', 2],
  ['gated', 1],
] as const)('a %s convolution of %i taps goes on from states in a pool', async (form, taps) => {
  const gpu = await testGpu();
  const channels = 11;
  const shared = 4;
  const lengths = [9, 5, 7];
  const width = form === 'gated' ? 3 * channels : channels;
  const prefix = randomArray(20, shared * width, 2);
  // The last two begin with what the first state holds.
  const own = lengths.map((length, i) => randomArray(21 + i, length * width, 2));
  const texts = own.map((rows, i) => (i === 0 ? rows : Float32Array.from([...prefix, ...rows])));
  const weight = randomArray(2, channels * taps);
  const bias = randomArray(3, channels);
  const past = Math.max(1, taps - 1);
  const inputs = tensorOf(gpu, new Float32Array(4 * past * channels).fill(9), [4, past, channels]);
  const found = own.map((): number[] => []);
  /** Tokens of some texts, each with the state it goes on from and the one it leaves. */
  const step = async (parts: { rows: Float32Array; from: number; to: number; text: number }[]) => {
    const counts = parts.map(({ rows }) => rows.length / width);
    const { segmentStart, segmentEnd } = segmentsOf(counts);
    const rows = segmentStart.length;
    const starts = counts.map((_, i) => counts.slice(0, i).reduce((sum, n) => sum + n, 0));
    const segments = parts.flatMap(({ from, to }, i) => [starts[i]!, counts[i]!, from, to]);
    const shape: Convolution = {
      form,
      rows,
      channels,
      stride: width,
      taps,
      weight: tensorOf(gpu, weight, [channels, taps]),
      bias: tensorOf(gpu, bias, [channels]),
      segmentStart: tensorOf(gpu, segmentStart, [rows]),
      segmentEnd: tensorOf(gpu, segmentEnd, [rows]),
    };
    const raw = tensorOf(gpu, Float32Array.from(parts.flatMap((part) => [...part.rows])), [rows, width]);
    const y = zeros(gpu, [rows, channels]);
    const pool = {
      inputs,
      segments: tensorOf(gpu, Uint32Array.from(segments), [parts.length, 4]),
      count: parts.length,
      segmentOf: tensorOf(gpu, Uint32Array.from(counts.flatMap((n, i) => Array<number>(n).fill(i))), [rows]),
    };
    submit(gpu, (commands) => {
      causalConvolution(commands, { ...shape, raw, y, past: pool });
      causalConvolutionState(commands, { ...shape, raw, past: pool });
    });
    const all = await readFloats(gpu, y);
    parts.forEach(({ text }, i) => {
      const part = all.slice(starts[i]! * channels, (starts[i]! + counts[i]!) * channels);
      if (text >= 0) found[text]!.push(...part);
    });
  };
  const tokens = (text: number, from: number, to: number) => own[text]!.slice(from * width, to * width);
  await step([
    { rows: prefix, from: NEW_STATE, to: 2, text: -1 },
    { rows: tokens(0, 0, 1), from: NEW_STATE, to: 0, text: 0 },
  ]);
  await step([
    { rows: tokens(1, 0, 1), from: 2, to: 1, text: 1 },
    { rows: tokens(0, 1, 7), from: 0, to: 0, text: 0 },
    { rows: tokens(2, 0, 6), from: 2, to: 3, text: 2 },
  ]);
  await step([
    { rows: tokens(2, 6, 7), from: 3, to: 3, text: 2 },
    { rows: tokens(0, 7, 9), from: 0, to: 0, text: 0 },
    { rows: tokens(1, 1, 5), from: 1, to: 1, text: 1 },
  ]);
  texts.forEach((raw, i) => {
    const segmentStart = new Uint32Array(raw.length / width);
    const all = causalConvolutionRef({ form, channels, taps, segmentStart, raw, weight, bias });
    expectClose(Float32Array.from(found[i]!), i === 0 ? all : all.subarray(shared * channels), close);
  });
});
