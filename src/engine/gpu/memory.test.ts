import { describe, expect, it } from 'vitest';
import { DryGpu } from './dryGpu.ts';
import { memoryParts, type MemoryByPart } from './memory.ts';
import { readFloats, upload } from './transfer.ts';

const open = () =>
  new DryGpu({ maxBinding: 1024, hasF16: false, description: 'test' }, { recordsKernels: true });
const none = Object.fromEntries(memoryParts.map((part) => [part, 0])) as MemoryByPart;

describe('GPU memory', () => {
  it('is counted by part, rounded up to 4 bytes', () => {
    const { memory } = open();
    memory.tensor('f32', [3], 'norm', 'weights');
    const halves = memory.tensor('f16', [3], 'x', 'activations');
    memory.buffer(1, 'bits');
    expect(memory.parts).toEqual({ ...none, weights: 12, activations: 8, other: 4 });
    expect(memory.bytes).toBe(24);
    memory.free(halves);
    memory.free(halves);
    expect(memory.parts).toEqual({ ...none, weights: 12, other: 4 });
    expect(memory.bytes).toBe(16);
  });

  it('reports the parts at its peak', () => {
    const { memory } = open();
    memory.tensor('f32', [10], 'w', 'weights');
    const staging = memory.tensor('u32', [20], 'piece', 'staging');
    memory.free(staging);
    memory.tensor('f32', [5], 'a', 'adapter');
    expect([memory.peak, memory.peakParts]).toEqual([120, { ...none, weights: 40, staging: 80 }]);
    memory.resetPeak();
    expect([memory.peak, memory.peakParts]).toEqual([60, { ...none, weights: 40, adapter: 20 }]);
    memory.freeAll();
    expect([memory.bytes, memory.parts]).toEqual([0, none]);
    expect(memory.peak).toBe(60);
  });
});

describe('a dry device', () => {
  it('allocates what a device does, reports the largest binding and the kernels, and reads zeros', async () => {
    const gpu = open();
    const commands = gpu.commands();
    const parameters = gpu.memory.bytes;
    const x = gpu.memory.tensor('f32', [8], 'x');
    const y = gpu.memory.tensor('f32', [16], 'y');
    upload(gpu, x, Float32Array.of(1, 2, 3));
    commands.run('anything', {}, { x, y: { ...y, shape: [12] } }, {}, [1]);
    commands.copy(x, y);
    commands.clear(x);
    commands.submit();
    expect(gpu.largestBinding).toEqual({ bytes: 48, label: 'y' });
    expect(gpu.kernelUses).toEqual([{ name: 'anything', constants: {} }]);
    expect(await readFloats(gpu, y)).toEqual(new Float32Array(16));
    expect(gpu.memory.peak).toBe(parameters + 32 + 64 + 64);
    expect(gpu.memory.bytes).toBe(parameters + 32 + 64);
    gpu.throwIfFailed();
    gpu.destroy();
    expect(gpu.memory.bytes).toBe(0);
  });
});
