import { mkdirSync } from 'node:fs';
import { readAdapter, type PeftAdapter } from '../formats/peft.ts';
import type { Gpu } from '../gpu/device.ts';
import { openGpu } from '../gpu/device.ts';
import { GraftError } from '../lib/errors.ts';
import { openModelFiles, type ModelFiles } from '../model/openModel.ts';
import { nodeFolder } from '../storage/nodeFolder.ts';
import type { WritableFolder } from '../storage/types.ts';
import { closeDawn, openDawn } from './dawn.ts';
import { readShaders } from './shaders.ts';

/** Runs `work` with a device, and closes it so that the process can end. */
export async function withGpu<T>(work: (gpu: Gpu) => Promise<T>): Promise<T> {
  try {
    const gpu = await openGpu(openDawn(), readShaders());
    try {
      return await work(gpu);
    } finally {
      gpu.destroy();
    }
  } finally {
    closeDawn();
  }
}

/** Opens a model folder of the file system. */
export function openModelAt(path: string): Promise<ModelFiles> {
  return openModelFiles(nodeFolder(path));
}

/** Opens a PEFT folder of the file system, or nothing where there is no path. */
export async function openAdapterAt(path: string | undefined): Promise<PeftAdapter | null> {
  return path === undefined ? null : readAdapter(nodeFolder(path));
}

/** The folder to write to, which must be new or empty: nothing of the person's is overwritten. Throws `cli.output_exists`. */
export async function outputFolder(path: string): Promise<WritableFolder> {
  const folder = nodeFolder(path);
  mkdirSync(path, { recursive: true });
  const files = await folder.list();
  if (files.length > 0) throw new GraftError('cli.output_exists', { folder: path });
  return folder;
}
