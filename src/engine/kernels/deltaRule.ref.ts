import { sigmoid } from './glu.ref.ts';

/** A gated delta rule as in deltaRule.ts, with plain arrays: all that is between the convolution and the gated norm. */
export interface DeltaRuleRef {
  keyHeads: number;
  valueHeads: number;
  keyDim: number;
  valueDim: number;
  /** Of each token: the first of its segment. */
  segmentStart: ArrayLike<number>;
  /** [T, 2 · keyHeads · keyDim + valueHeads · valueDim]: q and k, not normalized, and v. */
  qkv: ArrayLike<number>;
  /** [T, valueHeads] each. */
  a: ArrayLike<number>;
  b: ArrayLike<number>;
  /** [valueHeads] each. */
  decay: ArrayLike<number>;
  stepBias: ArrayLike<number>;
}

const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const dot = (x: ArrayLike<number>, y: ArrayLike<number>) => {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i]! * y[i]!;
  return sum;
};

/** o [T, valueHeads, valueDim] in f64, token after token. */
export function deltaRuleRef(input: DeltaRuleRef): Float64Array {
  const { valueHeads, valueDim, segmentStart } = input;
  const o = new Float64Array(segmentStart.length * valueHeads * valueDim);
  for (let head = 0; head < valueHeads; head++) {
    for (const { t, q, state } of steps(input, head)) {
      for (let c = 0; c < valueDim; c++) {
        o[(t * valueHeads + head) * valueDim + c] = q.value.reduce((sum, x, d) => sum + x * state[d]![c]!, 0);
      }
    }
  }
  return o;
}

/** The gradients of `deltaRuleRef` given that of o. */
export function deltaRuleBackwardRef(input: DeltaRuleRef, dO: ArrayLike<number>) {
  const { keyHeads, valueHeads, keyDim, valueDim, qkv, a, b } = input;
  const width = 2 * keyHeads * keyDim + valueHeads * valueDim;
  const dQkv = new Float64Array(qkv.length);
  const [dA, dB] = [new Float64Array(a.length), new Float64Array(b.length)];
  const [dDecay, dStepBias] = [new Float64Array(valueHeads), new Float64Array(valueHeads)];
  for (let head = 0; head < valueHeads; head++) {
    const keyHead = Math.floor(head / (valueHeads / keyHeads));
    let dS = zeros(keyDim, valueDim);
    for (const step of [...steps(input, head)].reverse()) {
      const { t, q, k, v, beta, g, rate, before, state, delta, isLast } = step;
      if (isLast) dS = zeros(keyDim, valueDim);
      const ofO = Array.from({ length: valueDim }, (_, c) => dO[(t * valueHeads + head) * valueDim + c]!);
      const dq = state.map((row) => dot(row, ofO));
      dS = dS.map((row, d) => row.map((x, c) => x + q.value[d]! * ofO[c]!));
      const dDelta = ofO.map((_, c) => dS.reduce((sum, row, d) => sum + row[c]! * k.value[d]!, 0));
      const error = v.map((x, c) => x - before.reduce((sum, row, d) => sum + row[c]! * k.value[d]!, 0));
      const dBeta = dot(dDelta, error);
      const dRead = dDelta.map((x) => -beta * x);
      const dk = dS.map((row, d) => dot(row, delta) + dot(before[d]!, dRead));
      const dBefore = dS.map((row, d) => row.map((x, c) => x + k.value[d]! * dRead[c]!));
      const dg = dBefore.reduce((sum, row, d) => sum + dot(row, before[d]!), 0);
      dS = dBefore.map((row) => row.map((x) => x * Math.exp(g)));
      const at = t * valueHeads + head;
      const step1 = a[at]! + input.stepBias[head]!;
      dB[at] = dBeta * beta * (1 - beta);
      dA[at] = dg * rate * sigmoid(step1);
      dDecay[head]! += dg * g;
      dStepBias[head]! += dA[at]!;
      const row = t * width;
      for (const [start, own, gradient] of [
        [row + keyHead * keyDim, q, dq],
        [row + (keyHeads + keyHead) * keyDim, k, dk],
      ] as const) {
        // x · r · scale, with r = 1 / sqrt(Σ x² + ε).
        const along = dot(own.value, gradient) / own.scale;
        own.raw.forEach((x, d) => {
          dQkv[start + d]! += own.scale * own.r * (gradient[d]! - x * own.r * along);
        });
      }
      dDelta.forEach((x, c) => {
        dQkv[row + 2 * keyHeads * keyDim + head * valueDim + c]! += beta * x;
      });
    }
  }
  return { dQkv, dA, dB, dDecay, dStepBias };
}

type Matrix = number[][];

function zeros(rows: number, columns: number): Matrix {
  return Array.from({ length: rows }, () => Array<number>(columns).fill(0));
}

/** The tokens of a head, with the state before and after each. */
function* steps(input: DeltaRuleRef, head: number) {
  const { keyHeads, valueHeads, keyDim, valueDim, segmentStart, qkv, a, b, decay, stepBias } = input;
  const keyHead = Math.floor(head / (valueHeads / keyHeads));
  const width = 2 * keyHeads * keyDim + valueHeads * valueDim;
  const rows = segmentStart.length;
  let state = zeros(keyDim, valueDim);
  for (let t = 0; t < rows; t++) {
    if (segmentStart[t] === t) state = zeros(keyDim, valueDim);
    const part = (start: number, length: number) =>
      Array.from({ length }, (_, i) => qkv[t * width + start + i]!);
    const q = normalized(part(keyHead * keyDim, keyDim), keyDim ** -0.5);
    const k = normalized(part((keyHeads + keyHead) * keyDim, keyDim), 1);
    const v = part(2 * keyHeads * keyDim + head * valueDim, valueDim);
    const beta = sigmoid(b[t * valueHeads + head]!);
    const rate = -Math.exp(decay[head]!);
    const g = rate * softplus(a[t * valueHeads + head]! + stepBias[head]!);
    const before = state.map((row) => row.map((x) => x * Math.exp(g)));
    const delta = v.map(
      (x, c) => beta * (x - before.reduce((sum, row, d) => sum + row[c]! * k.value[d]!, 0)),
    );
    state = before.map((row, d) => row.map((x, c) => x + k.value[d]! * delta[c]!));
    const isLast = t + 1 === rows || segmentStart[t + 1] === t + 1;
    yield { t, q, k, v, beta, g, rate, before, state, delta, isLast };
  }
}

function normalized(raw: number[], scale: number) {
  const r = 1 / Math.sqrt(dot(raw, raw) + 1e-6);
  return { raw, r, scale, value: raw.map((x) => x * r * scale) };
}
