import { dynamicMap } from '../../content/formats/quantized/dynamicMap.ts';
import type { Commands } from '../gpu/commands.ts';
import type { Gpu } from '../gpu/device.ts';
import { elementsOf, type Tensor } from '../gpu/tensor.ts';
import { upload } from '../gpu/transfer.ts';
import { adamW, type AdamWOptions } from '../kernels/adamW.ts';
import { adamW8bit, STATE_BLOCK, type AdamW8bitStates } from '../kernels/adamW8bit.ts';
import { assert } from '../../base/lib/errors.ts';
import type { Segment } from '../model/decoder/parameters.ts';
import type { AdamStates } from './adamStates.ts';

/** Matrices with fewer elements keep f32 states, as bitsandbytes' min_8bit_size: there is little to gain. */
export const MIN_8BIT_SIZE = 4096;

interface F32States {
  /** f32 [blocks · STATE_BLOCK]. */
  m: Tensor;
  v: Tensor;
  /** u32 [blocks]: which block of the flat buffer each is. */
  blocks: Tensor;
}

/**
 * m and v in 8 bits, block by block, those of small matrices in f32 (bitsandbytes' min_8bit_size). Every matrix begins
 * a block, as each tensor does there, and each kind has its blocks in buffers of its own: a step is two dispatches.
 */
export class Adam8bitStates implements AdamStates {
  readonly #gpu: Gpu;
  readonly #small: F32States | null;
  readonly #large: AdamW8bitStates | null;

  constructor(gpu: Gpu, { matrices }: Segment) {
    this.#gpu = gpu;
    const small: number[] = [];
    const large: number[] = [];
    for (const { start, size } of matrices) {
      assert(start % STATE_BLOCK === 0, `a matrix at element ${start} does not begin a block`);
      const blocks = size < MIN_8BIT_SIZE ? small : large;
      for (let at = start; at < start + size; at += STATE_BLOCK) blocks.push(at / STATE_BLOCK);
    }
    this.#small = small.length > 0 ? f32States(gpu, small) : null;
    this.#large = large.length > 0 ? eightBitStates(gpu, large) : null;
  }

  get tensors(): Record<string, Tensor> {
    const [small, large] = [this.#small, this.#large];
    return {
      ...(small && { m: small.m, v: small.v }),
      ...(large && { codes: large.codes, absmax: large.absmax }),
    };
  }

  step(commands: Commands, options: AdamWOptions): void {
    const small = this.#small;
    if (small) adamW(commands, { ...options, ...small, count: elementsOf(small.m) });
    if (this.#large) adamW8bit(commands, { ...options, ...this.#large });
  }

  dispose(): void {
    const tensors = [this.#small, this.#large].flatMap((states) => (states ? Object.values(states) : []));
    for (const tensor of tensors) this.#gpu.memory.free(tensor as Tensor);
  }
}

function f32States(gpu: Gpu, numbers: readonly number[]): F32States {
  const length = numbers.length * STATE_BLOCK;
  return {
    m: gpu.memory.tensor('f32', [length], 'AdamW m of small matrices', 'optimizer'),
    v: gpu.memory.tensor('f32', [length], 'AdamW v of small matrices', 'optimizer'),
    blocks: blockTable(gpu, numbers),
  };
}

function eightBitStates(gpu: Gpu, numbers: readonly number[]): AdamW8bitStates {
  const maps = gpu.memory.tensor('f32', [512], 'dynamic maps', 'optimizer');
  upload(gpu, maps, Float32Array.of(...dynamicMap(true), ...dynamicMap(false)));
  return {
    codes: gpu.memory.tensor(
      'u32',
      [numbers.length, 2, STATE_BLOCK / 4],
      'AdamW m and v in 8 bits',
      'optimizer',
    ),
    absmax: gpu.memory.tensor('f32', [numbers.length, 2], 'AdamW scales', 'optimizer'),
    blocks: blockTable(gpu, numbers),
    maps,
  };
}

function blockTable(gpu: Gpu, numbers: readonly number[]): Tensor {
  const blocks = gpu.memory.tensor('u32', [numbers.length], 'AdamW blocks', 'optimizer');
  upload(gpu, blocks, Uint32Array.from(numbers));
  return blocks;
}
