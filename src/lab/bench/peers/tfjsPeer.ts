import type * as Tfjs from '@tensorflow/tfjs';
import type { Peer } from './contestant.ts';

/** Selects WebGPU in TensorFlow.js, whose backend must have been imported. Throws if it is unavailable. */
export async function openTfjs(tf: typeof Tfjs): Promise<void> {
  if (!(await tf.setBackend('webgpu'))) throw new Error('TensorFlow.js has found no WebGPU');
  await tf.ready();
}

/** Submits the commands that TensorFlow.js has collected, and waits for the GPU. */
export async function finishTfjs(tf: typeof Tfjs): Promise<void> {
  const backend = tf.backend();
  backend.endComputePassEncoder();
  // It submits after every 15 dispatches: then nothing is left.
  if (backend.commandEncoder) backend.submitQueue();
  await backend.device.queue.onSubmittedWorkDone();
}

/** TensorFlow.js: its matMul. */
export async function tfjsPeer(tf: typeof Tfjs): Promise<Peer> {
  await openTfjs(tf);
  return {
    async dense({ m, n, k, x, w }) {
      const [a, b] = [tf.tensor2d(x, [m, k]), tf.tensor2d(w, [k, n])];
      return {
        async run(times = 1) {
          const results = Array.from({ length: times }, () => tf.matMul(a, b));
          await finishTfjs(tf);
          for (const y of results) y.dispose();
        },
        async output() {
          const y = tf.matMul(a, b);
          await finishTfjs(tf);
          const values = await y.data();
          y.dispose();
          return values;
        },
        dispose() {
          a.dispose();
          b.dispose();
        },
      };
    },
    int4: null,
  };
}
