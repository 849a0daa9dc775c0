import { existsSync } from 'node:fs';

/** Files by which systems give access to GPUs: Linux's own drivers, NVIDIA's, which comes without them in containers, WSL's. */
const GPUS = ['/dev/dri', '/dev/nvidiactl', '/dev/dxg'];

/** Where Mesa puts the manifest of lavapipe, its Vulkan driver that needs no GPU. */
const MANIFESTS = ['lvp_icd.json', 'lvp_icd.x86_64.json', 'lvp_icd.aarch64.json'].map(
  (name) => `/usr/share/vulkan/icd.d/${name}`,
);

/**
 * The environment variables that make Vulkan use lavapipe: empty where the machine has a GPU of its own, where
 * the person chose a driver, or where lavapipe is not installed. Mesa's other drivers complain loudly when
 * there is no device for them.
 */
export function lavapipeEnvironment(env: NodeJS.ProcessEnv): Record<string, string> {
  if (env.VK_ICD_FILENAMES || env.VK_DRIVER_FILES || GPUS.some((path) => existsSync(path))) return {};
  const manifest = MANIFESTS.find((path) => existsSync(path));
  return manifest ? { VK_ICD_FILENAMES: manifest } : {};
}
