import shaders from 'virtual:shaders';
import { openGpu, type Gpu } from '../gpu/device.ts';

let opened: Promise<Gpu> | undefined;

/**
 * The device tests share: Dawn's in Node, the browser's in a browser. It is opened once for a process or page
 * and never closed, because tests of one run come in many files. Throws where there is no adapter: a test that
 * needs a GPU fails without one, it is not skipped.
 */
export function testGpu(): Promise<Gpu> {
  opened ??= webgpu().then((gpu) => openGpu(gpu, shaders));
  return opened;
}

async function webgpu(): Promise<GPU | undefined> {
  if (typeof window !== 'undefined') return navigator.gpu;
  const { openDawn } = await import('../cli/dawn.ts');
  return openDawn();
}
