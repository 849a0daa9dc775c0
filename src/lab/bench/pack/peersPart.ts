import type { Gpu } from '../../../engine/gpu/device.ts';
import type { PeerSpeed } from '../../../engine/speed/deviceBenchmark.ts';
import type { Peer } from '../peers/contestant.ts';
import { jaxPeer } from '../peers/jaxPeer.ts';
import { importJax, importTfjs } from '../peers/nodePeers.ts';
import type { ProductShape } from '../peers/product.ts';
import { measureProduct, nameOf } from '../peers/products.ts';
import { qwenShapes } from '../peers/productTables.ts';
import { tfjsPeer } from '../peers/tfjsPeer.ts';
import { measureTraining } from '../peers/training.ts';
import { openDevice } from './openDevice.ts';
import type { PartReport } from './partReport.ts';
import type { PartQuestion } from './parts.ts';

const ROUNDS = 7;
/** Milliseconds of a sample: a product is repeated until it takes as long, since Node asks once a millisecond. */
const SAMPLE = 20;

/** Beside those of Qwen2.5-0.5B: products that fill a large GPU. */
const large: readonly ProductShape[] = [
  { m: 2048, n: 4864, k: 896 },
  { m: 4096, n: 4096, k: 4096 },
  { m: 2048, n: 18_944, k: 3584 },
];

/** Products and a training step of TensorFlow.js and jax-js on the same Dawn and device, and Graft's. */
export async function measurePeers({ extent }: PartQuestion, report: PartReport): Promise<void> {
  const gpu = await openDevice();
  const found: PeerSpeed[] = (report.result.peers = []);
  const quick = extent === 'quick';
  const step = async () => {
    const name = 'a training step of TensorFlow.js and jax-js';
    report.begin(name);
    if (report.left <= 0) return report.skip(name);
    const { trainers } = await measureTraining(
      gpu,
      { jax: importJax, tfjs: importTfjs },
      ['jax-js', 'tfjs'],
      quick ? 1 : ROUNDS,
    );
    for (const { name: library, times } of trainers)
      found.push({ of: 'training step', name: library, median: times.median, min: times.min });
  };
  const peers = { tfjs: await tfjsPeer(await importTfjs()), 'jax-js': await jaxPeer(await importJax()) };
  const [first, ...others] = quick
    ? [{ m: 64, n: 256, k: 128 }]
    : [large[0]!, ...large.slice(1), ...qwenShapes];
  await product(gpu, peers, first!, report, found);
  await step();
  for (const shape of others) await product(gpu, peers, shape, report, found);
  gpu.destroy();
}

async function product(
  gpu: Gpu,
  peers: Readonly<Record<string, Peer>>,
  shape: ProductShape,
  report: PartReport,
  found: PeerSpeed[],
): Promise<void> {
  const of = nameOf(shape);
  report.begin(of);
  if (report.left <= 0) return report.skip(`${of} of TensorFlow.js and jax-js`);
  const times = await measureProduct(gpu, peers, shape, { rounds: ROUNDS, sample: SAMPLE });
  for (const [name, { median, min }] of times)
    found.push({ of, name: name in peers ? name : `graft ${name}`, median, min });
}
