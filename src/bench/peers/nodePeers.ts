import type * as Jax from '@jax-js/jax';
import type * as Tfjs from '@tensorflow/tfjs';
import { openDawn } from '../../cli/dawn.ts';
import { defineIteratorHelpers } from './iteratorHelpers.ts';

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
  return import('@tensorflow/tfjs');
}
