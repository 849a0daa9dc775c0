import { beforeEach, describe, expect, it } from 'vitest';
import { createRandom } from '../../base/lib/random.ts';
import { caught } from '../../testing/errors.ts';
import { testGpu } from '../../testing/gpu.ts';
import { signal } from '../../testing/signal.ts';
import { refuseLeaks } from '../../testing/leaks.ts';
import type { Gpu } from './device.ts';
import { DryGpu } from './dryGpu.ts';
import type { Tensor } from './tensor.ts';
import { readBytes } from './transfer.ts';
import { UploadRing, type ReadInto } from './uploadRing.ts';

const MIB = 1024 * 1024;

refuseLeaks();

let gpu: Gpu;
beforeEach(async () => {
  gpu = await testGpu();
});

const random = createRandom(7);
const file = Uint8Array.from({ length: 5 * MIB + 3 }, () => random.below(256));

const fromFile =
  (start = 0): ReadInto =>
  async (from, into) =>
    into.set(file.subarray(start + from, start + from + into.byteLength));

function words(bytes: number): Tensor {
  return gpu.memory.tensor('u32', [Math.ceil(bytes / 4)], 'uploaded');
}

/** Index of the first byte of `bytes` that differs from the file's from `start` on, or −1. */
const difference = (bytes: Uint8Array, start = 0): number =>
  bytes.findIndex((byte, i) => byte !== file[start + i]);

describe('the upload ring', () => {
  it.each([
    ['one piece', 1, 4, MIB],
    ['less than a piece', 1000, 2, MIB],
    ['several turns of the ring, the last piece of odd length', 5 * MIB + 3, 2, MIB],
    ['one buffer', 3 * MIB + 1, 1, MIB],
    ['more buffers than pieces', 2 * MIB, 8, MIB],
  ])('uploads every byte: %s', async (_, length, slots, largest) => {
    const ring = new UploadRing(gpu, { slots, largest });
    const target = words(length);
    await ring.upload(target, length, fromFile());
    const bytes = await readBytes(gpu, target);
    expect(difference(bytes.subarray(0, length))).toBe(-1);
    expect([...bytes.subarray(length)].every((byte) => byte === 0)).toBe(true);
    ring.dispose();
    gpu.memory.free(target);
  });

  it('pads the last word with zeros, even if the buffer held other bytes', async () => {
    const ring = new UploadRing(gpu, { slots: 1 });
    const target = words(8);
    await ring.upload(target, 8, async (_, into) => void into.fill(0xff));
    await ring.upload(target, 5, async (_, into) => void into.fill(0xee));
    expect([...(await readBytes(gpu, target))]).toEqual([0xee, 0xee, 0xee, 0xee, 0xee, 0, 0, 0]);
    ring.dispose();
    gpu.memory.free(target);
  });

  it('serves concurrent uploads, and consecutive ones to the same target', async () => {
    const ring = new UploadRing(gpu, { slots: 3, largest: MIB });
    const targets = [words(2 * MIB), words(3 * MIB)];
    await Promise.all([
      ring.upload(targets[0]!, 2 * MIB, fromFile(11)),
      ring.upload(targets[1]!, 3 * MIB, fromFile(99)),
    ]);
    await ring.upload(targets[0]!, MIB, fromFile(5));
    const [first, second] = await Promise.all(targets.map((target) => readBytes(gpu, target)));
    expect(difference(first!.subarray(0, MIB), 5)).toBe(-1);
    expect(difference(first!.subarray(MIB), 11 + MIB)).toBe(-1);
    expect(difference(second!, 99)).toBe(-1);
    ring.dispose();
    for (const target of targets) gpu.memory.free(target);
  });

  it('reads ahead up to the size of the ring', async () => {
    const ring = new UploadRing(gpu, { slots: 3, largest: MIB });
    const target = words(5 * MIB);
    const begun: number[] = [];
    let [most, ended] = [0, 0];
    const third = signal();
    await ring.upload(target, 5 * MIB, async (from, into) => {
      begun.push(from / MIB);
      most = Math.max(most, begun.length - ended);
      if (begun.length === 3) third.give();
      await third.given;
      await fromFile()(from, into);
      ended += 1;
    });
    expect(begun.sort()).toEqual([0, 1, 2, 3, 4]);
    expect(most).toBe(3);
    expect(difference(await readBytes(gpu, target))).toBe(-1);
    ring.dispose();
    gpu.memory.free(target);
  });

  it('is no larger than its uploads, and a dry device counts the same', async () => {
    const sizes = [MIB, 300 * 1024, 4 * MIB, 2 * MIB];
    const dry = new DryGpu(gpu);
    const planned = new UploadRing(dry);
    const ring = new UploadRing(gpu);
    const before = gpu.memory.bytes;
    for (const size of sizes) {
      const target = words(size);
      await ring.upload(target, size, fromFile());
      await planned.upload(target, size, fromFile());
      gpu.memory.free(target);
      expect(gpu.memory.bytes - before).toBe(dry.memory.bytes);
    }
    expect(dry.memory.bytes).toBeLessThanOrEqual(4 * MIB);
    expect(dry.memory.parts.staging).toBe(dry.memory.bytes);
    ring.dispose();
  });

  it('is still usable after a failed read, once the others have ended', async () => {
    const ring = new UploadRing(gpu, { slots: 2, largest: MIB });
    const target = words(4 * MIB);
    const ended: number[] = [];
    const second = signal();
    const failing: ReadInto = async (from, into) => {
      if (from === MIB) second.give();
      await second.given;
      if (from === MIB) throw new Error('gone');
      await fromFile()(from, into);
      ended.push(from / MIB);
    };
    expect(await caught(() => ring.upload(target, 4 * MIB, failing))).toMatchObject({ message: 'gone' });
    expect(ended.sort()).toEqual([0, 2, 3]);
    await ring.upload(target, 4 * MIB, fromFile());
    expect(difference(await readBytes(gpu, target))).toBe(-1);
    ring.dispose();
    gpu.memory.free(target);
  });

  it('frees memory that is being filled only afterwards if disposed meanwhile', async () => {
    const ring = new UploadRing(gpu, { slots: 2, largest: MIB });
    const target = words(3 * MIB);
    const upload = ring.upload(target, 3 * MIB, async (from, into) => {
      if (from === 0) ring.dispose();
      await gpu.device.queue.onSubmittedWorkDone();
      // Memory that was taken away would be empty.
      expect(into.byteLength).toBe(MIB);
      await fromFile()(from, into);
    });
    expect(await caught(() => upload)).toMatchObject({ message: /goes on after its end/ });
    gpu.memory.free(target);
  });
});
