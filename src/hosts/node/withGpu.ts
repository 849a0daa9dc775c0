import type { Gpu } from '../../engine/gpu/device.ts';
import { closeDawn } from './dawn.ts';
import { nodeHost } from './host.ts';

/** Runs `work` with this machine's GPU and the kernels measured on it, and closes it so that the process can end. */
export async function withGpu<T>(work: (gpu: Gpu) => Promise<T>): Promise<T> {
  const host = nodeHost();
  try {
    const gpu = await host.openGpu();
    try {
      gpu.choices = (await host.tunedKernels(gpu)).choices();
      return await work(gpu);
    } finally {
      gpu.destroy();
    }
  } finally {
    closeDawn();
  }
}
