import { gemv } from '../kernels/gemv.ts';
import { matmul } from '../kernels/matmul.ts';
import { chooseVariant, type MatmulLayout } from '../kernels/matmulVariants.ts';
import type { WeightChunk } from '../kernels/weight.ts';
import { shapeText, type SpeedCase, type SpeedShapes } from './cases.ts';
import type { SpeedFormat } from './inputs.ts';

const formats: Record<'quick' | 'full', readonly SpeedFormat[]> = {
  quick: ['f32', 'nf4'],
  full: ['f32', 'f16', 'bf16', 'nf4', 'int4'],
};

/** Bits per weight, including its scales. */
const bits: Record<SpeedFormat, number> = { f32: 32, f16: 16, bf16: 16, nf4: 4.5, int4: 4.25 };

interface Product {
  layout: MatmulLayout;
  m: number;
  n: number;
  k: number;
}

/** The products of a training step: forward NT and backward NN of the layers, and those of an adapter. */
export function matmulCases({ tokens, hidden, ffn, rank }: SpeedShapes, quick: boolean): SpeedCase[] {
  const layers = [
    [hidden, hidden],
    [ffn, hidden],
    [hidden, ffn],
  ] as const;
  const cases: SpeedCase[] = [];
  for (const format of formats[quick ? 'quick' : 'full']) {
    for (const [out, into] of quick ? layers.slice(1, 2) : layers) {
      cases.push(productCase({ layout: 'NT', m: tokens, n: out, k: into }, format));
      cases.push(productCase({ layout: 'NN', m: tokens, n: into, k: out }, format));
    }
  }
  const adapter: Product[] = [
    { layout: 'NT', m: tokens, n: rank, k: hidden },
    { layout: 'NT', m: tokens, n: ffn, k: rank },
    { layout: 'NN', m: tokens, n: rank, k: ffn },
    { layout: 'NN', m: tokens, n: hidden, k: rank },
    { layout: 'TN', m: rank, n: hidden, k: tokens },
    { layout: 'TN', m: ffn, n: rank, k: tokens },
  ];
  // The gradient of a fully trained module.
  if (!quick) adapter.push({ layout: 'TN', m: hidden, n: hidden, k: tokens });
  for (const product of adapter) cases.push(productCase(product, 'f32'));
  return cases;
}

/** The product of a single token with a layer, as in decoding. */
export function gemvCases({ hidden, ffn }: SpeedShapes, quick: boolean): SpeedCase[] {
  return (quick ? (['nf4'] as const) : (['f16', 'bf16', 'nf4', 'int4'] as const)).map((format) => ({
    kernel: 'gemv',
    shape: shapeText(ffn, hidden),
    format,
    flops: 2 * ffn * hidden,
    bytes: (ffn * hidden * bits[format]) / 8 + 4 * (ffn + hidden),
    record(commands, inputs) {
      const w = inputs.weight(format, ffn, hidden) as WeightChunk;
      gemv(commands, { x: inputs.random(hidden), w, n: ffn, y: inputs.empty([ffn]) });
    },
  }));
}

function productCase({ layout, m, n, k }: Product, format: SpeedFormat): SpeedCase {
  const [rows, cols] = layout === 'NT' ? [n, k] : [k, n];
  return {
    kernel: `matmul ${layout}`,
    shape: shapeText(m, n, k),
    format,
    flops: 2 * m * n * k,
    bytes: 4 * m * k + (rows * cols * bits[format]) / 8 + 4 * m * n,
    largest: Math.max(4 * m * k, (rows * cols * bits[format]) / 8, 4 * m * n),
    choice: (gpu) => chooseVariant(gpu, { layout, m, n, k, a: 'f32', c: 'f32', w: format }),
    record(commands, inputs) {
      const a = inputs.random(...(layout === 'TN' ? [k, m] : [m, k]));
      matmul(commands, {
        layout,
        a,
        w: inputs.weight(format, rows, cols),
        c: inputs.empty([m, n]),
        m,
        n,
        k,
      });
    },
  };
}
