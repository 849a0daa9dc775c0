import type { ShaderConstants } from '../gpu/assemble.ts';
import { BindGroups } from '../gpu/bindGroups.ts';
import { Commands, type Groups } from '../gpu/commands.ts';
import type { Gpu } from '../gpu/device.ts';
import { ParamSlots } from '../gpu/paramSlots.ts';
import { byteLengthOf, type Tensor } from '../gpu/tensor.ts';

/** An encoder that stays in its compute pass between dispatches. */
interface Encoding {
  encoder: GPUCommandEncoder;
  pass: GPUComputePassEncoder | null;
}

/**
 * Stores recorded commands and replays them any number of times. Bind groups and parameters are created once, so that a
 * repetition costs the driver only its dispatches and JavaScript nothing: the time measured is the GPU's.
 */
export class Repeater extends Commands {
  readonly #recorded: ((encoding: Encoding) => void)[] = [];
  readonly #slots: ParamSlots;
  readonly #groups: BindGroups;

  constructor(gpu: Gpu) {
    super(gpu);
    const { device, memory, maxBinding } = gpu;
    this.#slots = new ParamSlots(memory);
    this.#groups = new BindGroups(device, memory, maxBinding, this.#slots.buffer, this);
  }

  override run(
    name: string,
    constants: ShaderConstants,
    tensors: Record<string, Tensor>,
    params: Record<string, number>,
    [x, y = 1, z = 1]: Groups,
  ): void {
    const kernel = this.gpu.kernels.get(name, constants);
    const group = this.#groups.get(kernel, tensors);
    const offsets = kernel.paramsBinding < 0 ? [] : [this.#slots.write(kernel, params)];
    this.#recorded.push((encoding) => {
      const pass = (encoding.pass ??= encoding.encoder.beginComputePass());
      pass.setPipeline(kernel.pipeline);
      pass.setBindGroup(0, group, offsets);
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
   * Runs all commands `times` times in one submit, and returns the seconds from the submit to its end. Throws what the
   * device has reported.
   */
  async seconds(times: number): Promise<number> {
    const { device } = this.gpu;
    this.#slots.flush(device.queue);
    const encoding: Encoding = { encoder: device.createCommandEncoder(), pass: null };
    for (let i = 0; i < times; i++) {
      for (const record of this.#recorded) record(encoding);
    }
    const commands = outsidePass(encoding).finish();
    // Browsers encode in another process, which must catch up before the clock starts.
    await device.queue.onSubmittedWorkDone();
    const start = performance.now();
    device.queue.submit([commands]);
    await device.queue.onSubmittedWorkDone();
    const seconds = (performance.now() - start) / 1000;
    this.gpu.throwIfFailed();
    return seconds;
  }

  override dispose(): void {
    this.gpu.memory.free(this.#slots.buffer);
    super.dispose();
  }
}

/** The encoder, after ending its pass. */
function outsidePass(encoding: Encoding): GPUCommandEncoder {
  encoding.pass?.end();
  encoding.pass = null;
  return encoding.encoder;
}
