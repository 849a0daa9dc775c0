import { rmSync } from 'node:fs';
import { join } from 'node:path';
import shaders from 'virtual:shaders';
import { GraftError } from '../base/lib/errors.ts';
import type { MemoryFolder } from '../base/storage/memoryFolder.ts';
import { nodeLocks } from '../base/storage/nodeLocks.ts';
import { RunStore } from '../content/runs/runStore.ts';
import { SweepStore } from '../content/runs/sweepStore.ts';
import { TunedKernels } from '../engine/tuning/tunedKernels.ts';
import { openGpu, type Gpu } from '../engine/gpu/device.ts';
import { createEngineService } from '../hosts/browser/engineService.ts';
import type { EngineApi, ModelSource } from '../hosts/browser/protocol.ts';
import { openDawn } from '../hosts/node/dawn.ts';
import type { Host } from '../session/host.ts';
import { FaultyDisk } from './faultyDirectory.ts';

/** A disk that rejects writes while it is full. */
export class SmallDisk extends FaultyDisk {
  full = false;
  override call(file: string, writes: boolean): boolean {
    if (this.full && writes) throw new GraftError('storage.quota', { file });
    return super.call(file, writes);
  }
}

/** An in-memory model as dropped files. */
export function dropped(folder: MemoryFolder, name = 'tiny'): ModelSource {
  return {
    kind: 'files',
    name,
    files: [...folder.files].map(([file, bytes]) => new File([bytes], file)),
  };
}

type Methods = Record<string, (...args: unknown[]) => Promise<unknown>>;

/**
 * The engine's service in Node: it trains on Dawn and stores runs on a disk in memory. A device that is lost takes the
 * service along, as the end of its worker would.
 * @param scratch a folder for its locks
 * @param stores false for a browser that denies storage
 */
export function openRunsEngine(scratch: string, { stores = true } = {}) {
  const disk = new SmallDisk();
  const locks = join(scratch, `locks-${crypto.randomUUID()}`);
  const store = new RunStore(disk.root, nodeLocks(locks));
  const sweeps = new SweepStore(new FaultyDisk().root, nodeLocks(locks));
  const openStore = stores
    ? async () => store
    : () => Promise.reject(new GraftError('storage.opfs_denied', { detail: 'test' }));
  let gpu: Gpu | null = null;
  const host: Host = {
    openGpu: async () => (gpu = await openGpu(openDawn(), shaders)),
    tunedKernels: () => TunedKernels.open(null, 'test'),
    spillFolder: async () => new FaultyDisk().root,
    quantizedCache: async () => null,
  };
  const openSweeps = async () => sweeps;
  let service = createEngineService(host, openStore, openSweeps);
  return {
    service: Object.fromEntries(
      Object.keys(service).map((method) => [
        method,
        (...args: unknown[]) => (service as unknown as Methods)[method]!(...args),
      ]),
    ) as unknown as EngineApi,
    store,
    disk,
    headerOf: async (id: string) => (await store.list()).find((run) => run.id === id),
    /** As where another machine takes them for left behind. */
    loseLocks: () => rmSync(locks, { recursive: true }),
    loseDevice() {
      service = createEngineService(host, openStore, openSweeps);
      gpu?.device.destroy();
    },
  };
}
