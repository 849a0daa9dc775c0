import type * as Jax from '@jax-js/jax';
import type { Peer } from './contestant.ts';

/** Lets jax-js use WebGPU. Throws where it cannot. */
export async function openJax(jax: typeof Jax): Promise<void> {
  const devices = await jax.init('webgpu');
  if (!devices.includes('webgpu')) throw new Error('jax-js has found no WebGPU');
  jax.defaultDevice('webgpu');
}

/** jax-js: its compiled matmul. */
export async function jaxPeer(jax: typeof Jax): Promise<Peer> {
  await openJax(jax);
  const np = jax.numpy;
  return {
    async dense({ m, n, k, x, w }) {
      const [a, b] = [np.array(x, { shape: [m, k] }), np.array(w, { shape: [k, n] })];
      const product = jax.jit(np.matmul);
      return {
        async run() {
          const y = product(a.ref, b.ref);
          await y.blockUntilReady();
          y.dispose();
        },
        output: () => product(a.ref, b.ref).data(),
        dispose() {
          product.dispose();
          a.dispose();
          b.dispose();
        },
      };
    },
    int4: null,
  };
}
