import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, globals } from 'webgpu';

/** Where Mesa puts the manifest of lavapipe, its Vulkan driver that needs no GPU. */
const LAVAPIPE = ['lvp_icd.json', 'lvp_icd.x86_64.json', 'lvp_icd.aarch64.json'].map(
  (name) => `/usr/share/vulkan/icd.d/${name}`,
);

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
  prepareEnvironment(process.env);
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

function prepareEnvironment(env: NodeJS.ProcessEnv): void {
  const hasRenderNode = existsSync('/dev/dri');
  const lavapipe = LAVAPIPE.find((path) => existsSync(path));
  // The other drivers of Mesa complain loudly, or hang, when there is no device for them.
  if (!env.VK_ICD_FILENAMES && !env.VK_DRIVER_FILES && !hasRenderNode && lavapipe)
    env.VK_ICD_FILENAMES = lavapipe;
  if (process.platform === 'linux' && !env.XDG_RUNTIME_DIR) {
    env.XDG_RUNTIME_DIR = mkdtempSync(join(tmpdir(), 'graft-runtime-'));
  }
}
