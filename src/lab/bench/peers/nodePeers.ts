import type * as Jax from '@jax-js/jax';
import type * as Tfjs from '@tensorflow/tfjs';
import { openDawn } from '../../../hosts/node/dawn.ts';
import { defineIteratorHelpers } from './iteratorHelpers.ts';

/** Provides WebGPU where libraries expect it in browsers; it is the same Dawn as ours. */
export function defineNavigator(): void {
  const navigator = { gpu: openDawn(), userAgent: 'Node.js', hardwareConcurrency: 2 };
  Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true });
}

/** Imports jax-js, with the iterator helpers it needs, which Node has from version 22 on. */
export async function importJax(): Promise<typeof Jax> {
  defineNavigator();
  defineIteratorHelpers();
  return import('@jax-js/jax');
}

/** Imports TensorFlow.js with its WebGPU backend. */
export async function importTfjs(): Promise<typeof Tfjs> {
  defineNavigator();
  await import('@tensorflow/tfjs-backend-webgpu');
  return import('@tensorflow/tfjs');
}
