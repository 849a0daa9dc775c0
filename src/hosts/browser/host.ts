import shaders from 'virtual:shaders';
import { opfsDirectory } from '../../base/storage/opfsDirectory.ts';
import type { WorkerLike } from '../../base/threads/workerClient.ts';
import { openGpu, type Gpu } from '../../engine/gpu/device.ts';
import { adapterKey, browserName, TunedKernels } from '../../engine/tuning/tunedKernels.ts';
import type { Host } from '../../session/host.ts';
import { openQuantizedCache } from './browserQuantizedCache.ts';
import { opfsRowShards } from './rowShards.ts';

/** Folders of the origin private file system: for block inputs, and for which kernels were measured to be fastest. */
const [SPILL, TUNING] = ['spill', 'tuning'];

/**
 * A page or worker as a host: WebGPU, and the origin private file system for whatever waits or is cached on disk.
 * @param startScoring see `Host.startScoring`
 */
export function browserHost(startScoring?: () => WorkerLike): Host {
  let tuned: Promise<TunedKernels> | null = null;
  return {
    openGpu: () => openGpu(navigator.gpu, shaders),
    // Opened once: where storage is denied, what is measured lasts as long as the page.
    tunedKernels: (gpu) => (tuned ??= openTunedKernels(gpu)),
    spillFolder: () => opfsDirectory(SPILL),
    rowShards: opfsRowShards,
    quantizedCache: openQuantizedCache,
    ...(startScoring && { startScoring }),
  };
}

async function openTunedKernels(gpu: Gpu): Promise<TunedKernels> {
  const folder = await opfsDirectory(TUNING).catch(() => null);
  return TunedKernels.open(folder, adapterKey(gpu, browserName(navigator.userAgent), shaders));
}
