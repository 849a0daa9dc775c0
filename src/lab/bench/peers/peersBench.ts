import { cpus } from 'node:os';
import { openPeersPage } from './chromiumPage.ts';
import { installPeers } from './install.ts';
import { openNodeProducts } from './nodeProducts.ts';
import { listOf, oneOf } from './options.ts';
import type { ProductShape } from './product.ts';
import { graftForms, nameOf, peerNames, type ProductTimes } from './products.ts';
import { productTables, qwenShapes } from './productTables.ts';
import type { ProductsRunner } from './productsRunner.ts';

/** Rounds of a full run, by the work of a product; SwiftShader takes seconds for the largest. */
const rounds = {
  node: () => 7,
  chromium: ({ m, n, k }: ProductShape) => (2 * m * n * k > 1e9 ? 3 : 7),
};

/**
 * Matrix products compared with the peers in Node. Options restrict it while working on kernels, and then it only
 * prints: `--shapes=128x896x4864` (m × n × k, comma-separated), `--peers=onnxruntime`, `--forms="f32 NT,int4 NN"`,
 * `--rounds=5`.
 */
export function peersBench(options: Readonly<Record<string, string>>): Promise<string> {
  const libraries = [
    'onnxruntime-node 1.30 (which has a Dawn of its own), @jax-js/jax 0.1.25 and @tensorflow/tfjs-backend-webgpu 4.22',
    'on our Dawn, all in one process.',
  ];
  return productsBench('node', openNodeProducts, libraries, options);
}

/** The same in Chromium, with the same options. */
export function peersInChromiumBench(options: Readonly<Record<string, string>>): Promise<string> {
  const libraries = [
    'onnxruntime-web 1.30 (its WebGPU provider), @jax-js/jax 0.1.25 and @tensorflow/tfjs-backend-webgpu 4.22 in one page.',
  ];
  return productsBench('chromium', openPeersPage, libraries, options);
}

async function productsBench(
  where: keyof typeof rounds,
  open: () => Promise<ProductsRunner>,
  libraries: readonly string[],
  options: Readonly<Record<string, string>>,
): Promise<string> {
  const shapes = listOf(options.shapes, qwenShapes, parseShape);
  const names = listOf(options.peers, peerNames, (name) => oneOf(name, peerNames));
  const forms = listOf(options.forms, graftForms, (form) => oneOf(form, graftForms));
  if (names.length > 0) installPeers();
  const runner = await open();
  const measured = new Map<ProductShape, ProductTimes>();
  try {
    for (const shape of shapes) {
      const count = Number(options.rounds ?? rounds[where](shape));
      const times = new Map(await runner.products(names, shape, { rounds: count, forms }));
      measured.set(shape, times);
      printTimes(shape, times);
    }
    if (Object.keys(options).length > 0) return '';
    return [
      `## Matrix products compared with other libraries, in ${where === 'node' ? 'Node' : 'Chromium'}`,
      '',
      `On ${await runner.adapter()}, a software adapter, and ${cpus().length} cores;`,
      ...libraries,
      'Factors lie on the GPU in the layout each library likes best: W as [in, out] for the peers, [out, in] for ours. A run',
      'is from the call until the GPU is done; ONNX Runtime waits by reading back one number. Libraries',
      `take turns; medians of ${[...new Set(shapes.map(rounds[where]))].join(' or ')} runs, the first dropped. Before that every result is compared with sums in f64 and`,
      'with ours. A product is x · w, as m × k · k × n. Work is the least processor time of a run, all cores together: on a software',
      'adapter it is less sensitive to other load than wall-clock time.',
      ...productTables(measured),
    ].join('\n');
  } finally {
    await runner.close();
  }
}

/** Milliseconds only go to the terminal: they are specific to the machine and the moment. */
function printTimes(shape: ProductShape, times: ProductTimes): void {
  const flops = 2 * shape.m * shape.n * shape.k;
  console.log(`\n${nameOf(shape)}\n  ms:               median    least     work  GFLOP/s of the median`);
  for (const [name, { median, min, work }] of times) {
    const numbers = [median, min, work, flops / median / 1e6].map((value) =>
      (value?.toFixed(1) ?? '–').padStart(9),
    );
    console.log(`  ${name.padEnd(16)}${numbers.join('')}`);
  }
}

function parseShape(text: string): ProductShape {
  const [m, n, k, ...rest] = text.split('x').map(Number);
  if (!m || !n || !k || rest.length > 0) {
    throw new Error(`“${text}” is no shape such as 128x896x4864 (m × n × k)`);
  }
  return { m, n, k };
}
