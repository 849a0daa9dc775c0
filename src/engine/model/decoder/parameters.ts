import type { Gpu } from '../../gpu/device.ts';
import type { MemoryPart } from '../../gpu/memory.ts';
import { slice, type Tensor } from '../../gpu/tensor.ts';
import { STATE_BLOCK } from '../../kernels/adamW8bit.ts';

/**
 * Matrices start at multiples of this many elements, so that each starts a block of 8-bit optimizer states. Bindings
 * need a multiple of 64 (256 bytes).
 */
const ALIGNMENT = STATE_BLOCK;

/** The range of a matrix within the buffers, in elements. */
export interface ParameterRange {
  segment: number;
  start: number;
  size: number;
}

/** A buffer's length in elements and its matrices, in order; the gaps between them are zero. */
export interface Segment {
  count: number;
  matrices: readonly ParameterRange[];
  /** Whether weight decay applies: not to norms and biases, which have their own buffers. */
  decays: boolean;
  /** Multiplies the learning rate: LoRA+ trains B faster. */
  lrScale: number;
}

/** The trainable parameters, or anything in their layout, such as gradients: f32 [count] per segment. */
export type ParameterBuffers = readonly Tensor[];

/**
 * Packs trainable matrices into few long buffers, so that norm, clipping and AdamW take one dispatch per buffer rather
 * than per matrix. A buffer is as long as the adapter can bind; usually one is enough.
 */
export class ParameterLayout {
  readonly #segments: (Segment & { matrices: ParameterRange[] })[] = [];
  /** The last buffer of each kind. */
  readonly #last = new Map<string, number>();
  /** Maximum number of elements per buffer. */
  readonly limit: number;

  constructor(gpu: Gpu) {
    const bytes = Math.min(gpu.maxBinding, gpu.device.limits.maxBufferSize);
    this.limit = Math.floor(bytes / 4 / ALIGNMENT) * ALIGNMENT;
  }

  get segments(): readonly Segment[] {
    return this.#segments;
  }

  /** Number of trainable parameters, without padding. */
  get parameters(): number {
    return this.#segments.flatMap(({ matrices }) => matrices).reduce((sum, { size }) => sum + size, 0);
  }

  /**
   * Reserves a range for a matrix of at most `limit` elements.
   * @param decays false for norms and biases, which weight decay skips as in transformers' Trainer
   *   (`get_decay_parameter_names`)
   * @param lrScale parameters of another learning rate have buffers of their own
   */
  reserve(size: number, { decays = true, lrScale = 1 } = {}): ParameterRange {
    const length = Math.ceil(size / ALIGNMENT) * ALIGNMENT;
    const kind = `${decays} ${lrScale}`;
    const index = this.#last.get(kind) ?? -1;
    const last = this.#segments[index];
    if (last && last.count + length <= this.limit) {
      const range = { segment: index, start: last.count, size };
      last.count += length;
      last.matrices.push(range);
      return range;
    }
    const range = { segment: this.#segments.length, start: 0, size };
    this.#last.set(kind, range.segment);
    this.#segments.push({ count: length, matrices: [range], decays, lrScale });
    return range;
  }

  /** Zeroed buffers in this layout. */
  make(gpu: Gpu, label: string, part: MemoryPart): ParameterBuffers {
    return this.#segments.map(({ count }) => gpu.memory.tensor('f32', [count], label, part));
  }
}

/** A view of the matrix at `range`, in its shape. */
export function matrixAt(buffers: ParameterBuffers, range: ParameterRange, shape: readonly number[]): Tensor {
  return slice(buffers[range.segment]!, range.start, shape);
}

/** The range that covers adjacent matrices of one buffer; null if they are not adjacent. */
export function joinedRange(ranges: readonly ParameterRange[]): ParameterRange | null {
  const [first] = ranges;
  if (!first) return null;
  let size = 0;
  for (const range of ranges) {
    if (range.segment !== first.segment || range.start !== first.start + size) return null;
    size += range.size;
  }
  return { ...first, size };
}
