import { afterEach, beforeEach } from 'vitest';
import { testGpu } from './gpu.ts';

/** Fails each test of the file that leaves buffers on the GPU. Hooks declared after this call may clean up. */
export function refuseLeaks(): void {
  let before = 0;
  beforeEach(async () => {
    before = (await testGpu()).memory.bytes;
  });
  // Hooks after a test run in reverse order, so that this one sees what the others left.
  afterEach(async () => {
    const left = (await testGpu()).memory.bytes - before;
    if (left !== 0) throw new Error(`${left} bytes were left on the GPU`);
  });
}
