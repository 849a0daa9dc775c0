import { join } from 'node:path';
import type { Gpu } from '../gpu/device.ts';
import { nodeDirectory } from '../storage/nodeDirectory.ts';
import { adapterKey, KeptChoices } from '../tuning/keptChoices.ts';
import { cachePath } from './hubAccess.ts';

/** What `graft tune` found on this machine's adapter; it is kept in the cache. @param shaders as the device has them */
export function openTuning(gpu: Gpu, shaders: Record<string, string>): Promise<KeptChoices> {
  const [major] = process.versions.node.split('.');
  return KeptChoices.open(
    nodeDirectory(join(cachePath(), 'tuning')),
    adapterKey(gpu, `Node/${major}`, shaders),
  );
}
