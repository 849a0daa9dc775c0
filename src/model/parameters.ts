import type { Gpu } from '../gpu/device.ts';
import type { MemoryPart } from '../gpu/memory.ts';
import { slice, type Tensor } from '../gpu/tensor.ts';
import { STATE_BLOCK } from '../kernels/adamW8bit.ts';

/**
 * A matrix starts at a multiple of this many elements, so that it begins a block of 8-bit optimizer states. Bindings
 * need a multiple of 64 (256 bytes).
 */
const ALIGNMENT = STATE_BLOCK;

/** Where a matrix is in the buffers, in elements. */
export interface Place {
  segment: number;
  start: number;
  size: number;
}

/** A buffer's length in elements and its matrices, in order; zero between them. */
export interface Segment {
  count: number;
  matrices: readonly Place[];
  /** Whether weight decay applies: not to norms and biases, which have buffers of their own. */
  decays: boolean;
}

/** The trainable parameters, or anything of their layout, such as gradients: f32 [count] for each segment. */
export type ParameterBuffers = readonly Tensor[];

/**
 * Trainable matrices one after the other in few long buffers, so that norm, clip and AdamW are a dispatch for each
 * buffer, not for each matrix. A buffer is as long as the adapter allows to bind; one is the usual case.
 */
export class ParameterLayout {
  readonly #segments: { count: number; matrices: Place[]; decays: boolean }[] = [];
  /** The last buffer of what decays, and of what does not. */
  readonly #last = new Map<boolean, number>();
  /** Most elements of a buffer. */
  readonly limit: number;

  constructor(gpu: Gpu) {
    const bytes = Math.min(gpu.maxBinding, gpu.device.limits.maxBufferSize);
    this.limit = Math.floor(bytes / 4 / ALIGNMENT) * ALIGNMENT;
  }

  get segments(): readonly Segment[] {
    return this.#segments;
  }

  /** Trainable parameters: the matrices without the gaps. */
  get parameters(): number {
    return this.#segments.flatMap(({ matrices }) => matrices).reduce((sum, { size }) => sum + size, 0);
  }

  /**
   * Makes room for a matrix of at most `limit` elements.
   * @param decays false for norms and biases, which weight decay leaves alone as in transformers' Trainer
   *   (`get_decay_parameter_names`)
   */
  reserve(size: number, decays = true): Place {
    const length = Math.ceil(size / ALIGNMENT) * ALIGNMENT;
    const number = this.#last.get(decays) ?? -1;
    const last = this.#segments[number];
    if (last && last.count + length <= this.limit) {
      const place = { segment: number, start: last.count, size };
      last.count += length;
      last.matrices.push(place);
      return place;
    }
    const place = { segment: this.#segments.length, start: 0, size };
    this.#last.set(decays, place.segment);
    this.#segments.push({ count: length, matrices: [place], decays });
    return place;
  }

  /** Zeroed buffers of this layout. */
  make(gpu: Gpu, label: string, part: MemoryPart): ParameterBuffers {
    return this.#segments.map(({ count }) => gpu.memory.tensor('f32', [count], label, part));
  }
}

/** A matrix of the buffers, as a tensor of its shape. */
export function matrixAt(buffers: ParameterBuffers, place: Place, shape: readonly number[]): Tensor {
  return slice(buffers[place.segment]!, place.start, shape);
}

/** The place of matrices that follow each other without a gap in one buffer; null where they do not. */
export function joinedPlace(places: readonly Place[]): Place | null {
  const [first] = places;
  if (!first) return null;
  let size = 0;
  for (const place of places) {
    if (place.segment !== first.segment || place.start !== first.start + size) return null;
    size += place.size;
  }
  return { ...first, size };
}
