import { withGpu } from '../../cli/session.ts';
import { nodePeers, openNodePeers } from './nodePeers.ts';
import { graftForms, measureProduct, nameOf, type ProductTimes } from './products.ts';
import type { ProductShape } from './product.ts';
import { listOf } from './options.ts';
import { productTables, qwenShapes } from './productTables.ts';

/** Rounds of a full run. */
const ROUNDS = 9;

/**
 * Matrix products against the peers in Node. Options narrow it down for work on kernels: `--shapes=128x896x4864` (m × n × k,
 * with commas between several), `--peers=onnxruntime`, `--forms="f32 NT,int4 NN"`, `--rounds=5`.
 */
export async function peersBench(options: Readonly<Record<string, string>> = {}): Promise<string> {
  const shapes = listOf(options.shapes, qwenShapes, parseShape);
  const names = listOf(options.peers, Object.keys(nodePeers), (name) => oneOf(name, Object.keys(nodePeers)));
  const forms = listOf(options.forms, [...graftForms], (form) => oneOf(form, graftForms));
  const rounds = Number(options.rounds ?? ROUNDS);
  const measured = new Map<ProductShape, ProductTimes>();
  let adapter = '';
  await withGpu(async (gpu) => {
    adapter = gpu.description;
    const peers = await openNodePeers(names);
    for (const shape of shapes) {
      const times = await measureProduct(gpu, peers, shape, { rounds, forms });
      measured.set(shape, times);
      printTimes(shape, times);
    }
  });
  if (Object.keys(options).length > 0) return '';
  return [
    '## Matrix products beside the peers, in Node',
    '',
    `On ${adapter}, with onnxruntime-node 1.30 (its own Dawn), @jax-js/jax 0.1.25 and`,
    `@tensorflow/tfjs-backend-webgpu 4.22 (on our Dawn) in one process, taking turns: medians of ${ROUNDS} runs.`,
    ...productTables(measured),
  ].join('\n');
}

/** Milliseconds to the terminal: they belong to one machine at one time. */
export function printTimes(shape: ProductShape, times: ProductTimes): void {
  const flops = 2 * shape.m * shape.n * shape.k;
  console.log(`\n${nameOf(shape)}   median, least (ms), GFLOP/s of the median`);
  for (const [name, { median, min }] of times) {
    const numbers = [median, min, flops / median / 1e6].map((value) => value.toFixed(1).padStart(9));
    console.log(`  ${name.padEnd(18)}${numbers.join('')}`);
  }
}

function parseShape(text: string): ProductShape {
  const [m, n, k, ...rest] = text.split('x').map(Number);
  if (!m || !n || !k || rest.length > 0)
    throw new Error(`“${text}” is no shape such as 128x896x4864 (m × n × k)`);
  return { m, n, k };
}

function oneOf<T extends string>(name: string, among: readonly T[]): T {
  const found = among.find((one) => one === name);
  if (found === undefined) throw new Error(`“${name}” is none of ${among.join(', ')}`);
  return found;
}
