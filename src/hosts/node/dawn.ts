import { create, globals } from 'webgpu';
import { calmDawn } from './dawnWaits.ts';
import { lavapipeEnvironment } from './lavapipe.ts';

interface Dawn {
  gpu: GPU;
  keepAlive: NodeJS.Timeout;
}

// Dawn rounds timestamps to 100 µs unless told otherwise, for the sake of web pages: here there is nobody to spy on.
const features = ['disable-dawn-features=timestamp_quantization'];

// Dawn crashes or hangs at random once the object made by create() is collected, while the process ends too:
// it lives on globalThis and is never dropped.
const holder = globalThis as typeof globalThis & { graftDawn?: Dawn };

/**
 * Opens WebGPU in Node through Dawn and defines the WebGPU globals (GPUBufferUsage, …). The process stays
 * alive until `closeDawn`. Where the machine has no GPU of its own, Mesa's lavapipe is used if installed.
 */
export function openDawn(): GPU {
  if (holder.graftDawn) {
    holder.graftDawn.keepAlive.ref();
    return holder.graftDawn.gpu;
  }
  Object.assign(process.env, lavapipeEnvironment(process.env));
  Object.assign(globalThis, globals);
  calmDawn();
  // Dawn's promises do not keep Node's loop running; without a timer the process ends while the GPU works.
  const keepAlive = setInterval(() => undefined, 60_000);
  holder.graftDawn = { gpu: create(features), keepAlive };
  return holder.graftDawn.gpu;
}

/** Lets the process end. Devices must be destroyed before. */
export function closeDawn(): void {
  holder.graftDawn?.keepAlive.unref();
}
