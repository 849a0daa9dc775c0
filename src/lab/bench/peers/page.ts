import type * as OnnxRuntime from 'onnxruntime-node';
import shaders from 'virtual:shaders';
import { openGpu } from '../../../engine/gpu/device.ts';
import type { Peer } from './contestant.ts';
import type { Times } from './measure.ts';
import type { ProductShape } from './product.ts';
import { measureProduct, type PeerName, type ProductsOptions } from './products.ts';
import { measureTraining, type TrainerName, type TrainingResult } from './training.ts';

/** The page's interface for the benchmark that drives it. */
export interface PeersPage {
  /** The adapter's description. */
  adapter(): Promise<string>;
  products(
    names: readonly PeerName[],
    shape: ProductShape,
    options: ProductsOptions,
  ): Promise<[string, Times][]>;
  training(names: readonly TrainerName[], rounds: number): Promise<TrainingResult>;
}

const gpu = openGpu(navigator.gpu, shaders);

const openers: Readonly<Record<PeerName, () => Promise<Peer>>> = {
  onnxruntime: async () => {
    // The same interface, declared by each package separately.
    const ort = (await import('onnxruntime-web/webgpu')) as unknown as typeof OnnxRuntime;
    // Threads would only wait for the GPU.
    ort.env.wasm.numThreads = 1;
    return (await import('./onnxPeer.ts')).onnxPeer(ort);
  },
  'jax-js': async () => (await import('./jaxPeer.ts')).jaxPeer(await import('@jax-js/jax')),
  tfjs: async () => (await import('./tfjsPeer.ts')).tfjsPeer(await importTfjs()),
};
const opened = new Map<PeerName, Promise<Peer>>();

async function importTfjs() {
  const tf = await import('@tensorflow/tfjs');
  await import('@tensorflow/tfjs-backend-webgpu');
  return tf;
}

const page: PeersPage = {
  adapter: async () => (await gpu).description,
  async products(names, shape, options) {
    const peers: Record<string, Peer> = {};
    for (const name of names) {
      if (!opened.has(name)) opened.set(name, openers[name]());
      peers[name] = await opened.get(name)!;
    }
    return [...(await measureProduct(await gpu, peers, shape, options))];
  },
  async training(names, rounds) {
    const libraries = { jax: () => import('@jax-js/jax'), tfjs: importTfjs };
    return measureTraining(await gpu, libraries, names, rounds);
  },
};

Object.assign(globalThis, { peersPage: page });
