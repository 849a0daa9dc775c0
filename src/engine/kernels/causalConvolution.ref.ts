import { activationRef } from './glu.ref.ts';

/** A causal depthwise convolution as in causalConvolution.ts, with plain arrays. */
export interface ConvolutionRef {
  form: 'gated' | 'silu';
  channels: number;
  taps: number;
  /** Of each token: the first of its segment. */
  segmentStart: ArrayLike<number>;
  /** [T, 3 · D] gated, else [T, D] */
  raw: ArrayLike<number>;
  /** [D, taps] */
  weight: ArrayLike<number>;
  /** [D] */
  bias: ArrayLike<number> | null;
}

/** y [T, D] in f64. */
export function causalConvolutionRef(input: ConvolutionRef): Float64Array {
  const { form, channels, segmentStart, raw } = input;
  const y = new Float64Array(segmentStart.length * channels);
  for (let t = 0; t < segmentStart.length; t++) {
    for (let i = 0; i < channels; i++) {
      const c = convolved(input, t, i);
      y[t * channels + i] =
        form === 'gated' ? raw[t * 3 * channels + channels + i]! * c : activationRef(c, 'silu').value;
    }
  }
  return y;
}

/** The gradients of `causalConvolutionRef` given dy. */
export function causalConvolutionBackwardRef(input: ConvolutionRef, dy: ArrayLike<number>) {
  const { form, channels, taps, segmentStart, raw, weight } = input;
  const dRaw = new Float64Array(raw.length);
  const dWeight = new Float64Array(channels * taps);
  const dBias = new Float64Array(channels);
  for (let t = 0; t < segmentStart.length; t++) {
    for (let i = 0; i < channels; i++) {
      const c = convolved(input, t, i);
      const d = dy[t * channels + i]!;
      const gate = t * 3 * channels + channels + i;
      if (form === 'gated') dRaw[gate] = d * c;
      const dc = d * (form === 'gated' ? raw[gate]! : activationRef(c, 'silu').slope);
      dBias[i]! += dc;
      for (let j = 0; j < taps && t - j >= segmentStart[t]!; j++) {
        dWeight[i * taps + taps - 1 - j]! += dc * inputAt(input, t - j, i);
        const du = weight[i * taps + taps - 1 - j]! * dc;
        if (form === 'gated') {
          const at = (t - j) * 3 * channels + i;
          dRaw[at]! += du * raw[at + 2 * channels]!;
          dRaw[at + 2 * channels]! += du * raw[at]!;
        } else {
          dRaw[(t - j) * channels + i]! += du;
        }
      }
    }
  }
  return { dRaw, dWeight, dBias };
}

function inputAt({ form, channels, raw }: ConvolutionRef, t: number, i: number): number {
  if (form === 'silu') return raw[t * channels + i]!;
  const at = t * 3 * channels + i;
  return raw[at]! * raw[at + 2 * channels]!;
}

function convolved(input: ConvolutionRef, t: number, i: number): number {
  const { taps, segmentStart, weight, bias } = input;
  let sum = bias?.[i] ?? 0;
  for (let j = 0; j < taps && t - j >= segmentStart[t]!; j++) {
    sum += weight[i * taps + taps - 1 - j]! * inputAt(input, t - j, i);
  }
  return sum;
}
