import { beforeAll, expect, it } from 'vitest';
import type { Gpu } from '../../gpu/device.ts';
import { readFloats } from '../../gpu/transfer.ts';
import { GraftError } from '../../../base/lib/errors.ts';
import { MemoryDirectory } from '../../../base/storage/memoryDirectory.ts';
import type { RandomAccessFile } from '../../../base/storage/types.ts';
import { randomArray } from '../../../testing/compare.ts';
import { expectGraftError } from '../../../testing/errors.ts';
import { testGpu } from '../../../testing/gpu.ts';
import { refuseLeaks } from '../../../testing/leaks.ts';
import { tensorOf } from '../../../testing/tensors.ts';
import { removeSpilled, SpillFile } from './spillFile.ts';

refuseLeaks();

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

it('returns what was saved, in any order, and again after clearing', async () => {
  const folder = new MemoryDirectory('spill');
  const spill = new SpillFile(gpu, folder);
  const sizes = [100, 7, 300];
  for (const seed of [1, 2]) {
    await spill.clear();
    const values = sizes.map((size, i) => randomArray(10 * seed + i, size));
    const tensor = tensorOf(gpu, new Float32Array(300), [300]);
    for (const [i, part] of values.entries()) {
      const source = tensorOf(gpu, part, [part.length]);
      await spill.save(`${i}`, source);
      gpu.memory.free(source);
    }
    for (const i of [2, 0, 1]) {
      spill.prefetch(`${i}`);
      const into = { ...tensor, shape: [sizes[i]!] };
      await spill.load(`${i}`, into);
      expect(await readFloats(gpu, into)).toEqual(values[i]);
    }
    gpu.memory.free(tensor);
  }
  await spill.dispose();
  expect(await folder.list()).toEqual([]);
});

it('removes what a crash left behind, but no files in use', async () => {
  const folder = new MemoryDirectory('spill');
  await (await folder.edit('spill-of-a-crash')).write(0, new Uint8Array(4));
  const activeTrainable = await folder.edit('spill-in-use');
  await activeTrainable.write(0, new Uint8Array(4));
  const remove = folder.remove.bind(folder);
  // As the origin private file system does for open files.
  folder.remove = async (file) => {
    if (file === 'spill-in-use') throw new DOMException('locked', 'NoModificationAllowedError');
    await remove(file);
  };
  await removeSpilled(folder);
  expect(await folder.list()).toEqual(['spill-in-use']);
});

it('reports a full disk at the next call', async () => {
  const folder = new MemoryDirectory('spill');
  const edit = folder.edit.bind(folder);
  folder.edit = async (file): Promise<RandomAccessFile> => ({
    ...(await edit(file)),
    write: () => Promise.reject(new GraftError('storage.quota', { file })),
  });
  const spill = new SpillFile(gpu, folder);
  const source = tensorOf(gpu, randomArray(1, 64), [64]);
  await spill.save('a', source);
  await expectGraftError(() => spill.save('b', source), 'storage.quota', {});
  await expectGraftError(() => spill.load('a', source), 'storage.quota', {});
  await spill.dispose();
  gpu.memory.free(source);
});
