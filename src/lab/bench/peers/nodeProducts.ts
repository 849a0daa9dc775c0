import { closeDawn, openDawn } from '../../../hosts/node/dawn.ts';
import { readShaders } from '../../../hosts/node/shaders.ts';
import { openGpu } from '../../../engine/gpu/device.ts';
import type { Peer } from './contestant.ts';
import { jaxPeer } from './jaxPeer.ts';
import { importJax, importTfjs } from './nodePeers.ts';
import { onnxPeer } from './onnxPeer.ts';
import type { ProductsRunner } from './productsRunner.ts';
import { measureProduct, type PeerName } from './products.ts';
import { tfjsPeer } from './tfjsPeer.ts';

const openers: Readonly<Record<PeerName, () => Promise<Peer>>> = {
  onnxruntime: async () => onnxPeer(await import('onnxruntime-node')),
  'jax-js': async () => jaxPeer(await importJax()),
  tfjs: async () => tfjsPeer(await importTfjs()),
};

/** Measures products in this process. */
export async function openNodeProducts(): Promise<ProductsRunner> {
  const gpu = await openGpu(openDawn(), readShaders());
  const opened = new Map<PeerName, Promise<Peer>>();
  return {
    adapter: async () => gpu.description,
    async products(names, shape, options) {
      const peers: Record<string, Peer> = {};
      for (const name of names) {
        if (!opened.has(name)) opened.set(name, openers[name]());
        peers[name] = await opened.get(name)!;
      }
      return [...(await measureProduct(gpu, peers, shape, options))];
    },
    async close() {
      gpu.destroy();
      closeDawn();
    },
  };
}
