import { openDawn } from '../../../hosts/node/dawn.ts';
import { withGpu } from '../../../hosts/node/withGpu.ts';
import type { Peer } from '../peers/contestant.ts';
import { jaxPeer } from '../peers/jaxPeer.ts';
import { importJax, importTfjs } from '../peers/nodePeers.ts';
import { makeProduct } from '../peers/product.ts';
import { tfjsPeer } from '../peers/tfjsPeer.ts';
import type { Source } from './compile.ts';

/** Large enough for the kernels that libraries take for large products. */
const shape = { m: 512, n: 1024, k: 896 };

/**
 * The kernels of the libraries that Graft is compared with, for a dense product in f32, as they hand them to WebGPU on
 * this machine. ONNX Runtime's are missing: in Node it has a Dawn of its own, whose calls cannot be seen from here.
 */
export async function peerKernels(): Promise<Source[]> {
  openDawn();
  // The device's prototype is reached through a device: libraries open their own.
  const prototype = await withGpu(async ({ device }) => Object.getPrototypeOf(device) as GPUDevice);
  const create = prototype.createShaderModule;
  const seen = new Set<string>();
  prototype.createShaderModule = function createShaderModule(descriptor) {
    if (descriptor.code.includes('@compute')) seen.add(descriptor.code);
    return create.call(this, descriptor);
  };
  try {
    const sources: Source[] = [];
    const collect = async (name: string, peer: Peer): Promise<void> => {
      seen.clear();
      const contestant = await peer.dense(makeProduct(shape));
      await contestant.output();
      await contestant.dispose();
      for (const [i, wgsl] of [...seen].entries())
        sources.push({ title: `${name}: product, f32${seen.size > 1 ? `, kernel ${i + 1}` : ''}`, wgsl });
    };
    await collect('TensorFlow.js', await tfjsPeer(await importTfjs()));
    await collect('jax-js', await jaxPeer(await importJax()));
    return sources;
  } finally {
    prototype.createShaderModule = create;
  }
}
