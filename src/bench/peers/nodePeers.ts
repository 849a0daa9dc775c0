import type * as Jax from '@jax-js/jax';
import type * as Tfjs from '@tensorflow/tfjs-core';
import { openDawn } from '../../cli/dawn.ts';
import type { Peer } from './contestant.ts';
import { installPeers } from './install.ts';
import { defineIteratorHelpers } from './iteratorHelpers.ts';
import { jaxPeer } from './jaxPeer.ts';
import { onnxPeer } from './onnxPeer.ts';
import { tfjsPeer } from './tfjsPeer.ts';

/** Libraries look for WebGPU where browsers have it; ours is the same Dawn. */
export function defineNavigator(): void {
  const navigator = { gpu: openDawn(), userAgent: 'Node.js', hardwareConcurrency: 2 };
  Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true });
}

/** jax-js, with what it calls of iterators, which Node has from version 22 on. */
export async function importJax(): Promise<typeof Jax> {
  defineNavigator();
  defineIteratorHelpers();
  return import('@jax-js/jax');
}

/** TensorFlow.js with its WebGPU backend. */
export async function importTfjs(): Promise<typeof Tfjs> {
  defineNavigator();
  await import('@tensorflow/tfjs-backend-webgpu');
  return import('@tensorflow/tfjs-core');
}

/** Every peer that multiplies in Node, by name. */
export const nodePeers: Readonly<Record<string, () => Promise<Peer>>> = {
  onnxruntime: async () => onnxPeer(await import('onnxruntime-node')),
  'jax-js': async () => jaxPeer(await importJax()),
  tfjs: async () => tfjsPeer(await importTfjs()),
};

/** Opens the peers of these names, and installs them all first where they are not. */
export async function openNodePeers(names: readonly string[]): Promise<Record<string, Peer>> {
  if (names.length > 0) installPeers();
  const opened: Record<string, Peer> = {};
  for (const name of names) opened[name] = await nodePeers[name]!();
  return opened;
}
