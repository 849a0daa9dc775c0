import type { ShaderConstants } from '../gpu/assemble.ts';
import type { Commands } from '../gpu/commands.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { addColumnSums, columnSumSlices } from './columnSums.ts';
import { rowGroups } from './grid.ts';
import type { PooledSegments } from './segmentPool.ts';

const WG = 128;
/** Threads where each sums a column. */
const SUM_WG = 64;
/** Rows that a thread sums for the gradient of the weight, at most. */
const SLICE_ROWS = 32;

/**
 * A depthwise convolution along the tokens of a segment, c[t] = bias + Σ_j weight[taps − 1 − j] · u[t − j], in a form:
 *   gated: u = B · x, y = C · c, where each row of raw holds B, C and x (LFM2)
 *   silu: u = raw, y = silu(c) (gated delta rule)
 */
export interface Convolution {
  form: 'gated' | 'silu';
  /** T */
  rows: number;
  /** D */
  channels: number;
  /** Elements of a row of raw: at least 3 · D gated, else D. */
  stride: number;
  taps: number;
  /** [D, taps] f32 */
  weight: Tensor;
  /** [D] f32 */
  bias: Tensor | null;
  /** [T] u32: first token of each token's segment, and one past its last. */
  segmentStart: Tensor;
  segmentEnd: Tensor;
}

/** What came before token 0, when decoding: [taps − 1, D] f32, u of the last of `length` tokens. */
export interface ConvolutionPast {
  inputs: Tensor;
  length: number;
}

/** What came before each segment, when sequences decode together: [·, taps − 1, D] f32, zero for what there is not. */
export interface PooledPast extends PooledSegments {
  inputs: Tensor;
}

/**
 * @param raw [T, stride] f32 or f16
 * @param y [T, D] f32 or f16
 */
export function causalConvolution(
  commands: Commands,
  {
    raw,
    y,
    past,
    ...convolution
  }: Convolution & { raw: Tensor; y: Tensor; past: ConvolutionPast | PooledPast | null },
): void {
  const { rows, channels, weight, bias, segmentStart, taps } = convolution;
  // A convolution of one token has no past.
  const before = past && taps > 1 ? past : null;
  const pool = before && 'segments' in before ? before : null;
  commands.run(
    'causal_convolution',
    { ...constantsOf(convolution, raw), WG, E: y.type, PAST: before !== null, POOL: pool !== null },
    {
      raw,
      weight,
      segment_start: segmentStart,
      y,
      ...(bias && { bias }),
      ...(before && { past: before.inputs }),
      ...(pool && { segments: pool.segments, segment_of: pool.segmentOf }),
    },
    { ...sizesOf(convolution), known: before && 'length' in before ? Math.min(before.length, taps - 1) : 0 },
    rowGroups(Math.ceil(channels / WG), rows),
  );
}

/** Makes `past` what the tokens after these need. */
export function causalConvolutionState(
  commands: Commands,
  { raw, past, ...convolution }: Convolution & { raw: Tensor; past: ConvolutionPast | PooledPast },
): void {
  const { channels, taps } = convolution;
  if (taps === 1) return;
  const pool = 'segments' in past ? past : null;
  commands.run(
    'causal_convolution_state',
    { ...inputConstants(convolution, raw), WG: SUM_WG, POOL: pool !== null },
    { raw, past: past.inputs, ...(pool && { segments: pool.segments }) },
    { ...sizesOf(convolution), known: 'length' in past ? Math.min(past.length, taps - 1) : 0 },
    [Math.ceil(channels / SUM_WG), pool ? pool.count : 1],
  );
}

/**
 * The gradient for raw.
 * @param dy [T, D] f32
 * @param dRaw [T, stride] f32, of which the convolution's own columns are written
 */
export function causalConvolutionBackward(
  commands: Commands,
  { raw, dy, dRaw, ...convolution }: Convolution & { raw: Tensor; dy: Tensor; dRaw: Tensor },
): void {
  const { rows, channels, weight, bias, segmentStart, segmentEnd } = convolution;
  commands.run(
    'causal_convolution_backward',
    { ...constantsOf(convolution, raw), WG },
    {
      raw,
      weight,
      segment_start: segmentStart,
      segment_end: segmentEnd,
      dy,
      d_raw: dRaw,
      ...(bias && { bias }),
    },
    sizesOf(convolution),
    rowGroups(Math.ceil(channels / WG), rows),
  );
}

/**
 * The gradients for weight and bias, accumulated.
 * @param dTaps [D, taps] f32
 * @param dBias [D] f32, or null
 * @param scratch f32 memory for partial sums, by the number of elements and its use
 */
export function causalConvolutionWeights(
  commands: Commands,
  {
    raw,
    dy,
    dTaps,
    dBias,
    scratch,
    ...convolution
  }: Convolution & {
    raw: Tensor;
    dy: Tensor;
    dTaps: Tensor;
    dBias: Tensor | null;
    scratch: (use: 'slices' | 'sums', elements: number) => Tensor;
  },
): void {
  const { rows, channels, weight, bias, segmentStart, taps } = convolution;
  const slices = Math.ceil(rows / SLICE_ROWS);
  const stride = channels * (taps + 1);
  const sums = scratch('slices', slices * stride);
  commands.run(
    'causal_convolution_weights',
    { ...constantsOf(convolution, raw), WG: SUM_WG },
    { raw, weight, segment_start: segmentStart, dy, sums, ...(bias && { bias }) },
    { ...sizesOf(convolution), slice_rows: SLICE_ROWS },
    [Math.ceil(channels / SUM_WG), slices],
  );
  const partials = scratch('sums', columnSumSlices(slices) * channels * taps);
  const all = { dy: sums, rows: slices, stride, partials };
  addColumnSums(commands, { ...all, columns: channels * taps, sums: dTaps });
  if (dBias) addColumnSums(commands, { ...all, columns: channels, start: channels * taps, sums: dBias });
}

function constantsOf(convolution: Convolution, raw: Tensor): ShaderConstants {
  return { ...inputConstants(convolution, raw), BIAS: convolution.bias !== null };
}

function inputConstants({ form, taps }: Convolution, raw: Tensor): ShaderConstants {
  return { X: raw.type, TAPS: taps, GATED: form === 'gated' };
}

function sizesOf({ rows, channels, stride }: Convolution) {
  return { rows, channels, stride };
}
