import type * as Jax from '@jax-js/jax';
import type { Peer } from './contestant.ts';

/** Selects WebGPU in jax-js. Throws if it is unavailable. */
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
        async run(times = 1) {
          const results = Array.from({ length: times }, () => product(a.ref, b.ref));
          await results.at(-1)!.blockUntilReady();
          for (const y of results) y.dispose();
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
