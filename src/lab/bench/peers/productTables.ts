import { table } from '../../../testing/markdownTable.ts';
import { geometricMean } from './measure.ts';
import { nameOf, type GraftForm, type ProductTimes } from './products.ts';
import type { ProductShape } from './product.ts';

const D = 896;
const FFN = 4864;

/** Products of Qwen2.5-0.5B's layers over 128 and 512 tokens, forward and backward, and a square one. */
export const qwenShapes: readonly ProductShape[] = [
  ...[128, 512].flatMap((m) => [
    { m, n: D, k: D },
    { m, n: FFN, k: D },
    { m, n: D, k: FFN },
  ]),
  { m: 1024, n: 1024, k: 1024 },
];

type Measured = ReadonlyMap<ProductShape, ProductTimes>;

/** The tables of dense and 4-bit products: only ratios. */
export function productTables(measured: Measured): string[] {
  return [
    '',
    ...denseTable(
      measured,
      'NT',
      'Forward, x · Wᵀ in f32: the peer’s time / ours, so that more than 1 means ours is faster.',
    ),
    '',
    ...denseTable(measured, 'NN', 'Backward, dY · W in f32, against the same peers.'),
    '',
    ...fourBitTable(measured),
  ];
}

const ratio = (value: number) => value.toFixed(2);

function denseTable(measured: Measured, layout: 'NT' | 'NN', title: string): string[] {
  const peers = densePeers(measured);
  const ratios = [...measured].map(([shape, times]) => {
    const ours = times.get(`f32 ${layout}`)!.median;
    const each = peers.map((peer) => times.get(peer)!.median / ours);
    const work = peers.map((peer) => workOf(times, peer) / workOf(times, `f32 ${layout}`));
    return { shape, each, best: Math.min(...each), work: Math.min(...work) };
  });
  const rows = ratios.map(({ shape, each, best, work }) => [
    nameOf(shape),
    ...each.map(ratio),
    ratio(best),
    ratio(work),
  ]);
  // The square product is not a shape of the model: it is in the table but not in the mean.
  const ofModel = ratios.filter(({ shape }) => shape.n !== shape.m);
  const mean = (pick: (one: (typeof ratios)[number]) => number) => ratio(geometricMean(ofModel.map(pick)));
  rows.push([
    'geometric mean of the model’s',
    ...peers.map((_, i) => mean(({ each }) => each[i]!)),
    mean(({ best }) => best),
    mean(({ work }) => work),
  ]);
  return [title, '', table(['product', ...peers, 'best peer', 'best peer’s work'], rows)];
}

function workOf(times: ProductTimes, name: string): number {
  return times.get(name)!.work ?? Number.NaN;
}

/** Peers with a plain name: the dense products. */
function densePeers(measured: Measured): string[] {
  const [times] = measured.values();
  return [...times!.keys()].filter((name) => !/ (NT|NN|int4)$/.test(name));
}

function fourBitTable(measured: Measured): string[] {
  const [first] = measured.values();
  const nBits = [...first!.keys()].find((name) => name.endsWith(' int4'))!;
  const ratios = [...measured].map(([shape, times]) => {
    const of = (form: GraftForm, at = times) => at.get(form)!.median;
    const peer = times.get(nBits)!.median;
    // In the backward pass of the same layer, n and k are swapped.
    const back = [...measured].find(([s]) => s.m === shape.m && s.n === shape.k && s.k === shape.n)![1];
    return {
      shape,
      numbers: [
        peer / of('int4 NT'),
        peer / of('nf4 NT'),
        of('int4 NN', back) / of('int4 NT'),
        of('nf4 NN', back) / of('nf4 NT'),
        workOf(times, nBits) / workOf(times, 'int4 NT'),
      ],
    };
  });
  const rows = ratios.map(({ shape, numbers }) => [nameOf(shape), ...numbers.map(ratio)]);
  const ofModel = ratios.filter(({ shape }) => shape.n !== shape.m);
  rows.push([
    'geometric mean of the model’s',
    ...[0, 1, 2, 3, 4].map((i) => ratio(geometricMean(ofModel.map(({ numbers }) => numbers[i]!)))),
  ]);
  const header = [
    'layer’s forward',
    'int4, peer / ours',
    'NF4, peer / ours',
    'int4, back / forward',
    'NF4, back / forward',
    'int4, peer’s work / ours',
  ];
  return [
    'In 4 bits: `MatMulNBits` of ONNX Runtime (block 32, f32 inside) / our forward product with the same int4 weights and',
    'with NF4 (block 64); and our backward product of the same layer / its forward one. No peer has a backward product in',
    '4 bits.',
    '',
    table(header, rows),
  ];
}
