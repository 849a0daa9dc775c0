import { create, globals } from 'webgpu';
import { lavapipeEnvironment } from './lavapipe.ts';

interface Dawn {
  gpu: GPU;
  keepAlive: NodeJS.Timeout;
}

// Dawn crashes at random once the object made by create() is collected, so it lives on globalThis.
const holder = globalThis as typeof globalThis & { graftDawn?: Dawn };

/**
 * Opens WebGPU in Node through Dawn and defines the WebGPU globals (GPUBufferUsage, …). The process stays
 * alive until `closeDawn`. Where the machine has no GPU of its own, Mesa's lavapipe is used if installed.
 */
export function openDawn(): GPU {
  if (holder.graftDawn) return holder.graftDawn.gpu;
  Object.assign(process.env, lavapipeEnvironment(process.env));
  Object.assign(globalThis, globals);
  // Dawn's promises do not keep Node's loop running; without a timer the process ends while the GPU works.
  const keepAlive = setInterval(() => undefined, 60_000);
  holder.graftDawn = { gpu: create([]), keepAlive };
  return holder.graftDawn.gpu;
}

/** Lets the process end: drops Dawn and the timer. Devices must be destroyed before. */
export function closeDawn(): void {
  if (!holder.graftDawn) return;
  clearInterval(holder.graftDawn.keepAlive);
  delete holder.graftDawn;
}
