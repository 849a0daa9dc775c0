import { f16ToF32, f32ToF16 } from '../../../base/lib/floats.ts';

const { fround } = Math;
const SUPER = 256;
/** ggml's GROUP_MAX_EPS: groups below it are zero. */
const EPSILON = fround(1e-15);

const codes = new Uint8Array(SUPER);
const trial = new Uint8Array(32);
const weights = new Float32Array(32);
const scales = new Float32Array(16);
const mins = new Float32Array(8);
const half = new Float32Array(1);

/** ggml's `nearest_int`: to the nearest, ties to even, by adding 1.5 · 2^23 in f32. */
function nearest(value: number): number {
  return fround(value + 12_582_912) - 12_582_912;
}

function clamp(value: number, low: number, high: number): number {
  return value < low ? low : value > high ? high : value;
}

function putF16(out: Uint8Array, at: number, value: number): number {
  half[0] = value;
  const bits = f32ToF16(half);
  out[at] = bits[0]! & 255;
  out[at + 1] = bits[0]! >> 8;
  return f16ToF32(bits)[0]!;
}

/**
 * Writes one block of 256 values, `x` from `from` on, as Q4_K, Q5_K or Q6_K: ggml's own search for scales
 * (`quantize_row_q*_K_ref` in ggml-quants.c), every operation rounded to f32 in its order.
 */
export function quantizeKBlock(
  type: 'Q4_K' | 'Q5_K' | 'Q6_K',
  x: Float32Array,
  from: number,
  out: Uint8Array,
  to: number,
): void {
  if (type === 'Q6_K') quantizeQ6(x, from, out, to);
  else if (type === 'Q4_K') quantizeWithMins(x, from, out, to, { most: 15, low: -1, steps: 20 });
  else quantizeWithMins(x, from, out, to, { most: 31, low: -0.5, steps: 15 });
}

/** Q4_K and Q5_K: eight groups of 32, each with a scale and a minimum of six bits. */
function quantizeWithMins(
  x: Float32Array,
  from: number,
  out: Uint8Array,
  to: number,
  search: { most: number; low: number; steps: number },
): void {
  const { most } = search;
  let [maxScale, maxMin] = [0, 0];
  for (let group = 0; group < 8; group++) {
    const start = from + 32 * group;
    let squares = 0;
    for (let i = 0; i < 32; i++) squares = fround(squares + fround(x[start + i]! * x[start + i]!));
    const average = fround(Math.sqrt(fround(squares / 32)));
    for (let i = 0; i < 32; i++) weights[i] = average + Math.abs(x[start + i]!);
    findScaleAndMin(x, start, group, search);
    maxScale = Math.max(maxScale, scales[group]!);
    maxMin = Math.max(maxMin, mins[group]!);
  }
  const inverseScale = maxScale > 0 ? fround(63 / maxScale) : 0;
  const inverseMin = maxMin > 0 ? fround(63 / maxMin) : 0;
  const d = putF16(out, to, fround(maxScale / 63));
  const dmin = putF16(out, to + 2, fround(maxMin / 63));
  const packed = out.subarray(to + 4, to + 16).fill(0);
  for (let group = 0; group < 8; group++) {
    // As bytes in C: a scale below zero wraps, and is then limited.
    const scale = Math.min(63, nearest(fround(inverseScale * scales[group]!)) & 255);
    const min = Math.min(63, nearest(fround(inverseMin * mins[group]!)) & 255);
    putScales(packed, group, scale, min);
    const [dl, ml] = [fround(d * scale), fround(dmin * min)];
    if (dl === 0) continue;
    for (let i = 0; i < 32; i++) {
      const value = fround(fround(x[from + 32 * group + i]! + ml) / dl);
      codes[32 * group + i] = clamp(nearest(value), 0, most);
    }
  }
  const low = to + (most === 15 ? 16 : 48);
  if (most > 15) out.fill(0, to + 16, to + 48);
  for (let group = 0; group < 8; group += 2) {
    for (let i = 0; i < 32; i++) {
      const [a, b] = [codes[32 * group + i]!, codes[32 * group + 32 + i]!];
      out[low + 16 * group + i] = (a & 15) | ((b & 15) << 4);
      if (most > 15) out[to + 16 + i]! |= ((a >> 4) << group) | ((b >> 4) << (group + 1));
    }
  }
}

/** Six bits of scale and minimum of a group, in twelve bytes. */
function putScales(packed: Uint8Array, group: number, scale: number, min: number): void {
  if (group < 4) {
    packed[group] = scale;
    packed[group + 4] = min;
    return;
  }
  packed[group + 4] = (scale & 15) | ((min & 15) << 4);
  packed[group - 4]! |= (scale >> 4) << 6;
  packed[group]! |= (min >> 4) << 6;
}

/**
 * ggml's `make_qkx2_quants`: scale and minimum of 32 values with the least weighted squared error among some candidates;
 * into `scales`, `mins` and `codes`.
 */
function findScaleAndMin(
  x: Float32Array,
  start: number,
  group: number,
  { most, low, steps }: { most: number; low: number; steps: number },
): void {
  const at = 32 * group;
  let [min, max] = [x[start]!, x[start]!];
  let sumW = weights[0]!;
  let sumX = fround(sumW * x[start]!);
  for (let i = 1; i < 32; i++) {
    const value = x[start + i]!;
    if (value < min) min = value;
    if (value > max) max = value;
    sumW = fround(sumW + weights[i]!);
    sumX = fround(sumX + fround(weights[i]! * value));
  }
  if (min > 0) min = 0;
  if (max === min) {
    codes.fill(0, at, at + 32);
    scales[group] = 0;
    mins[group] = -min;
    return;
  }
  const first = fround(most / fround(max - min));
  let scale = fround(1 / first);
  let best = 0;
  for (let i = 0; i < 32; i++) {
    const code = clamp(nearest(fround(first * fround(x[start + i]! - min))), 0, most);
    codes[at + i] = code;
    best = fround(best + errorOf(i, scale, code, min, x[start + i]!));
  }
  for (let step = 0; step <= steps; step++) {
    // From the minimum found last, not from the least value.
    const inverse = fround(fround(fround(low + fround(fround(0.1) * step)) + most) / fround(max - min));
    let [sumL, sumL2, sumXL] = [0, 0, 0];
    for (let i = 0; i < 32; i++) {
      const value = x[start + i]!;
      const code = clamp(nearest(fround(inverse * fround(value - min))), 0, most);
      trial[i] = code;
      const weighted = fround(weights[i]! * code);
      sumL = fround(sumL + weighted);
      sumL2 = fround(sumL2 + fround(weighted * code));
      sumXL = fround(sumXL + fround(weighted * value));
    }
    const determinant = fround(fround(sumW * sumL2) - fround(sumL * sumL));
    if (!(determinant > 0)) continue;
    let thisScale = fround(fround(fround(sumW * sumXL) - fround(sumX * sumL)) / determinant);
    let thisMin = fround(fround(fround(sumL2 * sumX) - fround(sumL * sumXL)) / determinant);
    if (thisMin > 0) {
      thisMin = 0;
      thisScale = fround(sumXL / sumL2);
    }
    let error = 0;
    for (let i = 0; i < 32; i++)
      error = fround(error + errorOf(i, thisScale, trial[i]!, thisMin, x[start + i]!));
    if (error >= best) continue;
    codes.set(trial, at);
    best = error;
    scale = thisScale;
    min = thisMin;
  }
  scales[group] = scale;
  mins[group] = -min;
}

function errorOf(i: number, scale: number, code: number, min: number, value: number): number {
  const difference = fround(fround(fround(scale * code) + min) - value);
  return fround(weights[i]! * fround(difference * difference));
}

/** Sixteen groups of 16 with a scale of eight bits. */
function quantizeQ6(x: Float32Array, from: number, out: Uint8Array, to: number): void {
  let [largest, maxScale] = [0, 0];
  for (let group = 0; group < 16; group++) {
    const scale = findScale(x, from + 16 * group, 16 * group);
    scales[group] = scale;
    if (Math.abs(scale) > largest) [largest, maxScale] = [Math.abs(scale), scale];
  }
  if (largest < EPSILON) {
    out.fill(0, to, to + 210);
    return;
  }
  const inverse = fround(-128 / maxScale);
  const d = putF16(out, to + 208, fround(1 / inverse));
  for (let group = 0; group < 16; group++) {
    const scale = Math.min(127, nearest(fround(inverse * scales[group]!)));
    out[to + 192 + group] = scale;
    const dl = fround(d * ((scale << 24) >> 24));
    if (dl === 0) continue;
    for (let i = 0; i < 16; i++)
      codes[16 * group + i] = clamp(nearest(fround(x[from + 16 * group + i]! / dl)), -32, 31) + 32;
  }
  for (let part = 0; part < 2; part++) {
    for (let i = 0; i < 32; i++) {
      const at = 128 * part + i;
      const [a, b, c, e] = [codes[at]!, codes[at + 32]!, codes[at + 64]!, codes[at + 96]!];
      out[to + 64 * part + i] = (a & 15) | ((c & 15) << 4);
      out[to + 64 * part + 32 + i] = (b & 15) | ((e & 15) << 4);
      out[to + 128 + 32 * part + i] = (a >> 4) | ((b >> 4) << 2) | ((c >> 4) << 4) | ((e >> 4) << 6);
    }
  }
}

/** ggml's `make_qx_quants` for 16 values with codes from -32 to 31, weighted by their squares; codes go into `codes`. */
function findScale(x: Float32Array, start: number, at: number): number {
  let [largest, max] = [0, 0];
  for (let i = 0; i < 16; i++) {
    const size = Math.abs(x[start + i]!);
    if (size > largest) [largest, max] = [size, x[start + i]!];
  }
  if (largest < EPSILON) {
    codes.fill(0, at, at + 16);
    return 0;
  }
  let [scale, best] = [0, 0];
  for (let step = -10; step <= 9; step++) {
    if (step === 0) continue;
    // The first is the plain one; then nine below and nine above.
    const isPlain = step === -10;
    const inverse = isPlain ? fround(-32 / max) : fround(-fround(32 + fround(fround(0.1) * step)) / max);
    let [sumLX, sumL2] = [0, 0];
    for (let i = 0; i < 16; i++) {
      const value = x[start + i]!;
      const code = clamp(nearest(fround(inverse * value)), -32, 31);
      const weight = fround(value * value);
      sumLX = fround(sumLX + fround(fround(weight * value) * code));
      sumL2 = fround(sumL2 + fround(fround(weight * code) * code));
    }
    const isBetter = sumL2 > 0 && fround(sumLX * sumLX) > fround(best * sumL2);
    if (!isPlain && !isBetter) continue;
    for (let i = 0; i < 16; i++)
      codes[at + i] = clamp(nearest(fround(inverse * x[start + i]!)), -32, 31) + 32;
    scale = sumL2 === 0 ? 0 : fround(sumLX / sumL2);
    best = fround(scale * sumLX);
  }
  return scale;
}
