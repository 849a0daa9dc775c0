import type { ShaderConstants } from '../gpu/assemble.ts';
import { Commands } from '../gpu/commands.ts';
import type { Gpu } from '../gpu/device.ts';
import { byteLengthOf, type Tensor } from '../gpu/tensor.ts';
import { assert } from '../lib/errors.ts';

/** An encoder that stays in its compute pass from dispatch to dispatch. */
interface Encoding {
  encoder: GPUCommandEncoder;
  pass: GPUComputePassEncoder | null;
}

/**
 * Keeps what kernels record and runs it as often as asked. Bind groups and parameters are made once, so that a
 * repetition costs the driver its dispatches and JavaScript nothing: what is timed is the GPU.
 */
export class Repeater extends Commands {
  readonly #gpu: Gpu;
  readonly #recorded: ((encoding: Encoding) => void)[] = [];
  readonly #uniforms: GPUBuffer[] = [];

  constructor(gpu: Gpu) {
    super(gpu);
    this.#gpu = gpu;
  }

  override run(
    name: string,
    constants: ShaderConstants,
    tensors: Record<string, Tensor>,
    params: Record<string, number>,
    groups: readonly [number, number?, number?],
  ): void {
    const { device, kernels, memory } = this.#gpu;
    const kernel = kernels.get(name, constants);
    const entries: GPUBindGroupEntry[] = kernel.bindings.map(({ name: binding, binding: at }) => {
      const tensor = tensors[binding];
      assert(tensor, `${name}: no tensor "${binding}"`);
      const size = byteLengthOf(tensor);
      return { binding: at, resource: { buffer: tensor.buffer, offset: tensor.offset, size } };
    });
    if (kernel.paramsBinding >= 0) {
      const values = new DataView(new ArrayBuffer(Math.ceil((kernel.params.length * 4) / 16) * 16));
      for (const [i, { name: field, type }] of kernel.params.entries()) {
        const value = params[field];
        assert(value !== undefined, `${name}: no parameter "${field}"`);
        if (type === 'f32') values.setFloat32(4 * i, value, true);
        else if (type === 'i32') values.setInt32(4 * i, value, true);
        else values.setUint32(4 * i, value, true);
      }
      const buffer = memory.buffer(values.byteLength, 'kernel parameters', 'other', 0x40 | 0x08);
      device.queue.writeBuffer(buffer, 0, values.buffer);
      this.#uniforms.push(buffer);
      entries.push({ binding: kernel.paramsBinding, resource: { buffer } });
    }
    const bindGroup = device.createBindGroup({ layout: kernel.layout, entries });
    // Where parameters begin in their buffer.
    const offsets = kernel.paramsBinding >= 0 ? [0] : [];
    const [x, y = 1, z = 1] = groups;
    this.#recorded.push((encoding) => {
      const pass = (encoding.pass ??= encoding.encoder.beginComputePass());
      pass.setPipeline(kernel.pipeline);
      pass.setBindGroup(0, bindGroup, offsets);
      pass.dispatchWorkgroups(x, y, z);
    });
  }

  override copy(source: Tensor, target: Tensor): void {
    const size = byteLengthOf(source);
    this.#recorded.push((encoding) => {
      const encoder = outsidePass(encoding);
      encoder.copyBufferToBuffer(source.buffer, source.offset, target.buffer, target.offset, size);
    });
  }

  override clear(tensor: Tensor): void {
    const size = byteLengthOf(tensor);
    this.#recorded.push((encoding) => outsidePass(encoding).clearBuffer(tensor.buffer, tensor.offset, size));
  }

  /**
   * Runs all of it `times` over in one submit and returns the seconds from the submit to its end.
   * Throws what the device has reported.
   */
  async seconds(times: number): Promise<number> {
    const { device } = this.#gpu;
    const encoding: Encoding = { encoder: device.createCommandEncoder(), pass: null };
    for (let i = 0; i < times; i++) {
      for (const record of this.#recorded) record(encoding);
    }
    const commands = outsidePass(encoding).finish();
    // Browsers encode in another process: it must have caught up before the clock starts.
    await device.queue.onSubmittedWorkDone();
    const start = performance.now();
    device.queue.submit([commands]);
    await device.queue.onSubmittedWorkDone();
    const seconds = (performance.now() - start) / 1000;
    this.#gpu.throwIfFailed();
    return seconds;
  }

  override dispose(): void {
    for (const buffer of this.#uniforms) this.#gpu.memory.free(buffer);
    super.dispose();
  }
}

/** The encoder, its pass ended. */
function outsidePass(encoding: Encoding): GPUCommandEncoder {
  encoding.pass?.end();
  encoding.pass = null;
  return encoding.encoder;
}
