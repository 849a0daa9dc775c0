import shaders from 'virtual:shaders';
import { beforeAll, describe, expect, it } from 'vitest';
import { dropout } from '../kernels/dropout.ts';
import type { GraftError } from '../../base/lib/errors.ts';
import { caught } from '../../testing/errors.ts';
import { testGpu } from '../../testing/gpu.ts';
import { refuseLeaks } from '../../testing/leaks.ts';
import { withMaxBinding } from '../../testing/passes.ts';
import { tensorOf, zeros } from '../../testing/tensors.ts';
import { Commands } from './commands.ts';
import type { Gpu } from './device.ts';
import { KernelCache } from './kernel.ts';
import { Profiler } from './profiler.ts';
import { slice, type Tensor } from './tensor.ts';
import { readFloats, upload } from './transfer.ts';

let gpu: Gpu;
refuseLeaks();
beforeAll(async () => {
  gpu = await testGpu();
});

/** y += x over the first `count` elements. */
function add(commands: Commands, x: Tensor, y: Tensor, count = x.shape[0]!): void {
  dropout(commands, { x, y, count, p: 0, seed: 0, accumulate: true });
}

async function recording(
  tensors: number,
  record: (commands: Commands, ...tensors: Tensor[]) => Promise<void>,
): Promise<void> {
  const commands = gpu.commands();
  const made = Array.from({ length: tensors }, (_, i) =>
    i === 0 ? tensorOf(gpu, Float32Array.of(1, 2, 3, 4), [4]) : zeros(gpu, [4]),
  );
  await record(commands, ...made);
  commands.dispose();
  for (const tensor of made) gpu.memory.free(tensor);
  gpu.throwIfFailed();
}

describe('bind groups', () => {
  it('are created once, whatever the length, and dropped with their buffers', () =>
    recording(3, async (commands, x, y, z) => {
      for (let round = 0; round < 3; round++) {
        add(commands, x!, y!);
        add(commands, { ...x!, shape: [2] }, { ...y!, shape: [2] });
        commands.submit();
      }
      expect(commands.bindGroups).toBe(1);
      expect([...(await readFloats(gpu, y!))]).toEqual([6, 12, 9, 12]);
      add(commands, x!, z!);
      expect(commands.bindGroups).toBe(2);
      gpu.memory.free(y!);
      expect(commands.bindGroups).toBe(1);
    }));

  it('of two parts of one buffer end where the parts end', async () => {
    const swap = `
      @group(0) @binding(0) var<storage, read_write> a: array<f32>;
      @group(0) @binding(1) var<storage, read_write> b: array<f32>;
      @compute @workgroup_size(64) fn main(@builtin(local_invocation_index) i: u32) {
        let x = a[i];
        a[i] = b[i];
        b[i] = x;
      }`;
    const kernels = new KernelCache(gpu.device, { ...shaders, swap });
    const commands = new Commands({ ...withMaxBinding(gpu, gpu.maxBinding), kernels });
    const whole = tensorOf(
      gpu,
      Float32Array.from({ length: 256 }, (_, i) => i),
      [256],
    );
    const sums = zeros(gpu, [64]);
    const [a, b] = [slice(whole, 0, [64]), slice(whole, 128, [64])];
    commands.run('swap', {}, { a, b }, {}, [1]);
    add(commands, a, sums);
    commands.submit();
    expect((await readFloats(gpu, sums))[3]).toBe(131);
    commands.dispose();
    for (const tensor of [whole, sums]) gpu.memory.free(tensor);
    gpu.throwIfFailed();
  });

  it('distinguish a missing tensor from an unknown one', () =>
    recording(2, async (commands, x, y) => {
      const params = { count: 4, seed: 0, threshold: 0, scale: 1, accumulate: 0, columns: 4, ldy: 4 };
      const run = (tensors: Record<string, Tensor>) => commands.run('dropout', {}, tensors, params, [1]);
      expect(() => run({ x: x! })).toThrow('dropout: no tensor "y"');
      expect(() => run({ x: x!, y: y!, z: y! })).toThrow('dropout binds x, y, got x, y, z');
    }));
});

describe('recorded commands', () => {
  it('are submitted before an upload overwrites their inputs', () =>
    recording(2, async (commands, x, y) => {
      add(commands, x!, y!);
      upload(gpu, x!, Float32Array.of(10, 10, 10, 10));
      add(commands, x!, y!);
      commands.submit();
      expect([...(await readFloats(gpu, y!))]).toEqual([11, 12, 13, 14]);
    }));

  it('are submitted before a buffer they use is freed, whether by kernels or copies', () =>
    recording(4, async (commands, x, y, z, w) => {
      add(commands, x!, y!);
      commands.copy(y!, z!);
      gpu.memory.free(y!);
      commands.copy(z!, w!);
      gpu.memory.free(z!);
      commands.submit();
      expect([...(await readFloats(gpu, w!))]).toEqual([1, 2, 3, 4]);
    }));

  it('are split into several submits when parameter slots run out', () =>
    recording(2, async (commands, x, y) => {
      for (let i = 0; i < 1030; i++) add(commands, x!, y!);
      commands.submit();
      expect(commands.submits).toBeGreaterThan(1);
      expect((await readFloats(gpu, y!))[3]).toBe(4 * 1030);
    }));

  it('may not use a freed buffer', () =>
    recording(2, async (commands, x, y) => {
      gpu.memory.free(y!);
      expect(() => add(commands, x!, y!)).toThrow('the buffer "test" was freed');
    }));
});

describe('kernels', () => {
  const uses = [
    { name: 'dropout', constants: { X: 'f32', E: 'f32', WG: 64 } },
    { name: 'dropout', constants: { X: 'f32', E: 'f32', WG: 128 } },
  ];

  it('are compiled ahead of use, once', async () => {
    const cache = new KernelCache(gpu.device, shaders);
    expect(await cache.prepare(uses)).toBe(2);
    expect(await cache.prepare(uses)).toBe(0);
    for (const { name, constants } of uses) cache.get(name, constants);
    expect(cache.size).toBe(2);
    expect(cache.get('dropout', uses[0]!.constants)).toBe(cache.get('dropout', { ...uses[0]!.constants }));
    expect(cache.get('dropout', uses[0]!.constants).id).not.toBe(cache.get('dropout', uses[1]!.constants).id);
  });

  it('rejected by the device are named, both ahead of use and in use', async () => {
    const broken = '@compute @workgroup_size(1) fn main() { let x: u32 = 1.5; }';
    const errors: GraftError[] = [];
    const cache = new KernelCache(gpu.device, { broken, ...shaders }, (error) => errors.push(error));
    const ahead = await caught(() => cache.prepare([{ name: 'broken', constants: {} }, uses[0]!]));
    expect(ahead).toMatchObject({ code: 'gpu.shader', params: { shader: 'broken' } });
    expect(cache.size).toBe(1);
    cache.get('broken');
    await gpu.device.queue.onSubmittedWorkDone();
    await expect.poll(() => errors).toMatchObject([{ code: 'gpu.shader', params: { shader: 'broken' } }]);
    gpu.throwIfFailed();
  });
});

describe('a profile', () => {
  it('records the times of dispatches with their scopes', () =>
    recording(2, async (commands, x, y) => {
      if (!gpu.hasTimestamps) {
        expect(() => new Profiler(gpu)).toThrow('timestamp-query');
        return;
      }
      const profiler = new Profiler(gpu);
      add(commands, x!, y!);
      commands.profile(profiler);
      await commands.scope('outer', async () => {
        await Promise.resolve();
        commands.scope('inner', () => add(commands, x!, y!));
        add(commands, x!, y!);
      });
      commands.profile(null);
      add(commands, x!, y!);
      commands.submit();
      const { dispatches, ms, adapter } = await profiler.finish();
      expect(dispatches.map(({ kernel, scope, bytes }) => ({ kernel, scope, bytes }))).toEqual([
        { kernel: 'dropout', scope: ['outer', 'inner'], bytes: 32 },
        { kernel: 'dropout', scope: ['outer'], bytes: 32 },
      ]);
      expect(dispatches[1]!.start).toBeGreaterThanOrEqual(dispatches[0]!.start);
      expect(ms).toBe(dispatches[1]!.start + dispatches[1]!.ms);
      expect(adapter).toBe(gpu.description);
      expect((await readFloats(gpu, y!))[0]).toBe(4);
    }));
});
