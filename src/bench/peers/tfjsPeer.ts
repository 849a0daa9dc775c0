import type * as Tfjs from '@tensorflow/tfjs';
import type { Peer } from './contestant.ts';

/** Lets TensorFlow.js use WebGPU; its backend must have been imported. Throws where it cannot. */
export async function openTfjs(tf: typeof Tfjs): Promise<void> {
  if (!(await tf.setBackend('webgpu'))) throw new Error('TensorFlow.js has found no WebGPU');
  await tf.ready();
}

/** Sends what TensorFlow.js has gathered to the GPU and waits for it. */
export async function finishTfjs(tf: typeof Tfjs): Promise<void> {
  const backend = tf.backend();
  backend.endComputePassEncoder();
  // It submits every 15 dispatches by itself: then nothing is left.
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
        async run() {
          const y = tf.matMul(a, b);
          await finishTfjs(tf);
          y.dispose();
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
