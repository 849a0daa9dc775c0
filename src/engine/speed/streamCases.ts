import { dynamicMap } from '../../content/formats/quantized/dynamicMap.ts';
import { adamW } from '../kernels/adamW.ts';
import { adamW8bit, STATE_BLOCK } from '../kernels/adamW8bit.ts';
import { crossEntropyBackward, LOSS_STATE, logSumExp } from '../kernels/crossEntropy.ts';
import { gradNorm } from '../kernels/gradNorm.ts';
import { quantizeNf4 } from '../kernels/quantize.ts';
import { rmsNorm, rmsNormBackward } from '../kernels/rmsNorm.ts';
import { headElements, headsIn, rope } from '../kernels/rope.ts';
import { PARTIALS } from '../kernels/sum.ts';
import { glu, gluBackward, swiglu } from '../kernels/glu.ts';
import { shapeText, type SpeedCase, type SpeedShapes } from './cases.ts';
import type { Inputs } from './inputs.ts';

/** Rows of logits to measure at a time. */
const LOGIT_ROWS = 16;

const EPS = 1e-6;

/** Memory-bound kernels: norms, RoPE, SwiGLU, cross-entropy, optimizers, quantization. */
export function streamCases(shapes: SpeedShapes, quick: boolean): SpeedCase[] {
  const { tokens, hidden, ffn, heads, kvHeads, vocab, parameters } = shapes;
  const headDim = hidden / heads;
  // q, k and v of a token.
  const allHeads = (heads + 2 * kvHeads) * headDim;
  const width = [tokens, hidden] as const;
  const inner = [tokens, ffn] as const;
  const logits = [LOGIT_ROWS, vocab] as const;
  const f32s = (sizes: readonly number[], times: number) => sizes.reduce((a, b) => a * b, 4 * times);
  const all = [
    streamCase('rms_norm', width, f32s(width, 2), (commands, inputs) =>
      rmsNorm(commands, {
        x: inputs.random(...width),
        weight: inputs.random(hidden),
        y: inputs.empty(width),
        rstd: inputs.empty([tokens]),
        rows: tokens,
        eps: EPS,
      }),
    ),
    streamCase('rms_norm backward', width, f32s(width, 4), (commands, inputs) =>
      rmsNormBackward(commands, {
        dy: inputs.random(...width),
        x: inputs.random(...width),
        weight: inputs.random(hidden),
        rstd: inputs.positive(tokens),
        dx: inputs.empty(width),
        rows: tokens,
        accumulate: true,
      }),
    ),
    streamCase('rope', [tokens, allHeads], f32s([tokens, allHeads], 2), (commands, inputs) => {
      const headShape = { rows: tokens, heads, kvHeads, headDim };
      rope(commands, {
        ...headShape,
        raw: inputs.random(tokens, allHeads),
        parts: headsIn(inputs.empty([headElements(headShape)]), headShape),
        positions: inputs.u32(Array.from({ length: tokens }, (_, i) => i)),
        rotation: { inverseFrequencies: inputs.positive(headDim / 2) },
        norm: null,
      });
    }),
    streamCase('swiglu', inner, f32s(inner, 3), (commands, inputs) =>
      glu(commands, {
        gateUp: inputs.random(tokens, 2 * ffn),
        h: inputs.empty(inner),
        rows: tokens,
        width: ffn,
        form: swiglu,
      }),
    ),
    streamCase('swiglu backward', inner, f32s(inner, 5), (commands, inputs) => {
      // Repeated in place, values soon become zeros or infinities, which take the same time.
      const gateUp = inputs.random(tokens, 2 * ffn);
      gluBackward(commands, { gateUp, dh: inputs.random(...inner), rows: tokens, width: ffn, form: swiglu });
    }),
    streamCase('cross-entropy', logits, f32s(logits, 1), (commands, inputs) =>
      logSumExp(commands, {
        ...logitColumns(inputs, vocab),
        losses: inputs.empty([LOGIT_ROWS]),
        part: vocab,
      }),
    ),
    streamCase('cross-entropy backward', logits, f32s(logits, 2), (commands, inputs) =>
      crossEntropyBackward(commands, { ...logitColumns(inputs, vocab), scale: 1 / LOGIT_ROWS }),
    ),
    streamCase('gradient norm', [parameters], f32s([parameters], 1), (commands, inputs) =>
      gradNorm(commands, {
        grads: [inputs.random(parameters)],
        partials: inputs.empty([PARTIALS]),
        stats: inputs.empty([4]),
        index: 0,
      }),
    ),
    // Parameters and both moments are read and written, gradients read.
    streamCase('adam_w', [parameters], f32s([parameters], 7), (commands, inputs) =>
      adamW(commands, {
        ...adamInputs(inputs, parameters),
        m: inputs.empty([parameters]),
        v: inputs.empty([parameters]),
        count: parameters,
      }),
    ),
    streamCase('adam_w 8-bit', [parameters], f32s([parameters], 4), (commands, inputs) => {
      const blocks = parameters / STATE_BLOCK;
      const maps = inputs.rows(Float32Array.of(...dynamicMap(true), ...dynamicMap(false)), 1);
      adamW8bit(commands, {
        ...adamInputs(inputs, parameters),
        codes: inputs.bits(blocks, 2, STATE_BLOCK / 4),
        absmax: inputs.positive(blocks, 2),
        blocks: inputs.u32(Array.from({ length: blocks }, (_, i) => i)),
        maps,
      });
    }),
    streamCase('quantize NF4', [ffn, hidden], 2.5625 * ffn * hidden, (commands, inputs) => {
      const source = inputs.halves((ffn * hidden) / 2);
      const absmax = inputs.empty([(ffn * hidden) / 64]);
      const codes = inputs.empty([ffn, hidden / 8], 'u32');
      const piece = { source, format: 'f16', row: 0, rows: ffn } as const;
      quantizeNf4(commands, piece, { absmax, codes, size: [ffn, hidden] });
    }),
  ];
  const often = new Set(['rms_norm', 'swiglu', 'cross-entropy', 'adam_w']);
  return quick ? all.filter(({ kernel }) => often.has(kernel)) : all;
}

function streamCase(
  kernel: string,
  sizes: readonly number[],
  bytes: number,
  record: SpeedCase['record'],
): SpeedCase {
  const shape = shapeText(...sizes);
  return { kernel, shape, format: null, flops: null, bytes, largest: bytes, record };
}

function logitColumns(inputs: Inputs, vocab: number) {
  return {
    logits: inputs.random(LOGIT_ROWS, vocab),
    targets: inputs.u32(new Uint32Array(LOGIT_ROWS).fill(7)),
    state: inputs.positive(LOGIT_ROWS, LOSS_STATE),
    rows: LOGIT_ROWS,
    first: 0,
    width: vocab,
    offset: 0,
  };
}

function adamInputs(inputs: Inputs, parameters: number) {
  return {
    params: inputs.random(parameters),
    grads: inputs.random(parameters),
    stats: inputs.positive(4),
    normIndex: 0,
    skippedIndex: 1,
    lr: 1e-3,
    beta1: 0.9,
    beta2: 0.999,
    eps: 1e-8,
    weightDecay: 0.01,
    maxGradNorm: 1,
    step: 10,
  };
}
