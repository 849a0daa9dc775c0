import { openGpu, type Gpu } from '../../../engine/gpu/device.ts';
import { openDawn } from '../../../hosts/node/dawn.ts';
import { readShaders } from '../../../hosts/node/shaders.ts';

/** A device with the default kernels, whatever was tuned on this machine before. */
export function openDevice(): Promise<Gpu> {
  return openGpu(openDawn(), readShaders());
}
