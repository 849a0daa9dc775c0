import shaders from 'virtual:shaders';
import { openGpu, type Gpu } from '../engine/gpu/device.ts';

let opened: Promise<Gpu> | undefined;

/**
 * The device shared by tests: Dawn's in Node, the browser's in a browser. It is opened once per process or page and
 * never closed, because a test run consists of many files. Throws if there is no adapter: a test that needs a GPU fails
 * without one, it is not skipped.
 */
export function testGpu(): Promise<Gpu> {
  opened ??= webgpu().then((gpu) => openGpu(gpu, shaders));
  return opened;
}

async function webgpu(): Promise<GPU | undefined> {
  if (typeof window !== 'undefined') return navigator.gpu;
  const { openDawn } = await import('../hosts/node/dawn.ts');
  return openDawn();
}
