import type { Commands } from '../gpu/commands.ts';
import { attention, attentionBackward } from '../kernels/attention.ts';
import { shapeText, type SpeedCase, type SpeedShapes } from './cases.ts';
import type { Inputs } from './inputs.ts';

/** Sizes of an attention over one row of tokens. */
export interface AttentionShape {
  tokens: number;
  heads: number;
  kvHeads: number;
  headDim: number;
}

/** Attention over one row of all tokens, forwards and backwards, at heads of 64 and 128. */
export function attentionCases({ tokens, heads, kvHeads }: SpeedShapes, quick: boolean): SpeedCase[] {
  const of64 = { tokens, heads, kvHeads, headDim: 64 };
  // As many numbers in all, in heads twice as wide.
  const of128 = { ...of64, heads: Math.floor(heads / 2 / kvHeads) * kvHeads, headDim: 128 };
  return (quick ? [of64] : [of64, of128]).flatMap((shape) => [
    attentionCase('forward', shape),
    attentionCase('backward', shape),
  ]);
}

/** The case of one direction. */
export function attentionCase(direction: 'forward' | 'backward', shape: AttentionShape): SpeedCase {
  const { tokens, heads, kvHeads, headDim } = shape;
  // A query sees its own key and those before. Two products forwards and five backwards, as published kernels count.
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
    // Backwards, values of a forward pass are read; any of their size take the same time.
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
