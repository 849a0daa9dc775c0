import type { Commands } from '../gpu/commands.ts';
import { attention, attentionBackward } from '../kernels/attention.ts';
import { shapeText, type SpeedCase, type SpeedShapes } from './cases.ts';
import type { Inputs } from './inputs.ts';

/** Sizes of attention over one row of tokens. */
export interface AttentionShape {
  tokens: number;
  heads: number;
  kvHeads: number;
  headDim: number;
}

/** Attention over one row of all tokens, forward and backward, with the heads of the shapes. */
export function attentionCases(shapes: SpeedShapes): SpeedCase[] {
  return attentionOverLengths(shapes, [shapes.tokens]);
}

/** The same over rows of several lengths. */
export function attentionOverLengths(
  { hidden, heads, kvHeads }: Omit<SpeedShapes, 'tokens'>,
  lengths: readonly number[],
): SpeedCase[] {
  return lengths.flatMap((tokens) => {
    const shape = { tokens, heads, kvHeads, headDim: hidden / heads };
    return [attentionCase('forward', shape), attentionCase('backward', shape)];
  });
}

/** The case for one direction. */
export function attentionCase(direction: 'forward' | 'backward', shape: AttentionShape): SpeedCase {
  const { tokens, heads, kvHeads, headDim } = shape;
  // A query sees its own key and those before. Two products forward and five backward, as published kernels count.
  const products = direction === 'forward' ? 2 : 5;
  const pairs = (tokens * (tokens + 1)) / 2;
  const [ofQ, ofK] = [tokens * heads * headDim, tokens * kvHeads * headDim];
  const moved = direction === 'forward' ? 2 * ofQ + 2 * ofK : 4 * ofQ + 4 * ofK;
  return {
    kernel: `attention ${direction}`,
    shape: `${shapeText(tokens, heads, headDim)}, ${kvHeads} KV`,
    format: null,
    flops: 2 * products * heads * headDim * pairs,
    bytes: 4 * (moved + tokens * heads),
    record: (commands, inputs) => recordAttention(commands, inputs, direction, shape),
  };
}

function recordAttention(
  commands: Commands,
  inputs: Inputs,
  direction: 'forward' | 'backward',
  { tokens: rows, heads, kvHeads, headDim }: AttentionShape,
): void {
  const forward = {
    q: inputs.random(rows, heads, headDim),
    k: inputs.random(rows, kvHeads, headDim),
    v: inputs.random(rows, kvHeads, headDim),
    // The backward pass reads results of the forward pass; any values take the same time.
    o: inputs.random(rows, heads, headDim),
    lse: inputs.positive(rows, heads),
    segmentStart: inputs.u32(new Uint32Array(rows)),
    rows,
    heads,
    kvHeads,
    headDim,
    window: 0,
    scale: headDim ** -0.5,
  };
  if (direction === 'forward') {
    attention(commands, { ...forward, queryOffset: 0 });
    return;
  }
  attentionBackward(commands, {
    ...forward,
    dO: inputs.random(rows, heads, headDim),
    delta: inputs.empty([rows, heads, 2]),
    dQ: inputs.empty([rows, heads, headDim]),
    dK: inputs.empty([rows, kvHeads, headDim]),
    dV: inputs.empty([rows, kvHeads, headDim]),
    segmentEnd: inputs.u32(new Uint32Array(rows).fill(rows)),
  });
}
