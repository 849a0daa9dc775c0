import { homedir } from 'node:os';
import { join } from 'node:path';
import { nodeDirectory } from '../../base/storage/nodeDirectory.ts';
import type { Directory } from '../../base/storage/types.ts';
import { openGpu } from '../../engine/gpu/device.ts';
import { QuantizedCache } from '../../engine/model/weights/quantizedCache/quantizedCache.ts';
import { adapterKey, TunedKernels } from '../../engine/tuning/tunedKernels.ts';
import type { Host } from '../../session/host.ts';
import { openDawn } from './dawn.ts';
import { nodeRewardFunctions } from './rewardFunctions.ts';
import { startScoring } from './startScoring.ts';
import { readShaders } from './shaders.ts';

/** $GRAFT_CACHE, or the platform's folder for caches. */
export function cachePath(): string {
  const { GRAFT_CACHE, XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  if (GRAFT_CACHE) return GRAFT_CACHE;
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'graft');
  if (process.platform === 'win32') return join(LOCALAPPDATA || join(homedir(), 'AppData', 'Local'), 'graft');
  return join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'graft');
}

/** The cached 4-bit weights of downloaded models. @param onProblem reports why weights were not cached */
export function openQuantizedCache(onProblem: (error: unknown) => void = () => undefined): QuantizedCache {
  return new QuantizedCache(nodeDirectory(join(cachePath(), 'quantized')), { onProblem });
}

/** The rows of large data files, tokenized. */
export function nodeRowShards(): Directory {
  return nodeDirectory(join(cachePath(), 'rows'));
}

/** Node as a host: WebGPU through Dawn, and the platform's folders for whatever is cached or waits on disk. */
export function nodeHost(): Host {
  const shaders = readShaders();
  return {
    openGpu: () => openGpu(openDawn(), shaders),
    tunedKernels(gpu) {
      const [major] = process.versions.node.split('.');
      return TunedKernels.open(
        nodeDirectory(join(cachePath(), 'tuning')),
        adapterKey(gpu, `Node/${major}`, shaders),
      );
    },
    // Not in the system's temporary folder, which may be main memory, and is shared by all users.
    rowShards: async () => nodeRowShards(),
    spillFolder: async () => nodeDirectory(join(cachePath(), 'spill')),
    quantizedCache: async (onProblem) => openQuantizedCache(onProblem),
    startScoring,
    rewardFunctions: nodeRewardFunctions,
  };
}
