import { assert } from '../lib/errors.ts';

/** Element types a kernel can store. Arithmetic is always f32. */
export type ElementType = 'f32' | 'f16' | 'u32';

/** Bytes of one element. */
export function bytesOf(type: ElementType): number {
  return type === 'f16' ? 2 : 4;
}

/** A typed range of a GPU buffer. `shape` is row-major; rows are contiguous. */
export interface Tensor {
  readonly buffer: GPUBuffer;
  /** Offset in bytes, a multiple of 256 (the alignment every adapter grants to storage bindings). */
  readonly offset: number;
  readonly type: ElementType;
  readonly shape: readonly number[];
}

/** Number of elements. */
export function elementsOf(tensor: Pick<Tensor, 'shape'>): number {
  return tensor.shape.reduce((product, n) => product * n, 1);
}

/** Size in bytes, rounded up to 4 as WebGPU wants. */
export function byteLengthOf(tensor: Pick<Tensor, 'type' | 'shape'>): number {
  return Math.ceil((elementsOf(tensor) * bytesOf(tensor.type)) / 4) * 4;
}

/** The same elements under another shape, which may also be a leading part of them. */
export function reshape(tensor: Tensor, shape: readonly number[]): Tensor {
  const view = { ...tensor, shape };
  // Kernels do this in every step: no text is made that nobody reads.
  if (elementsOf(view) <= elementsOf(tensor)) return view;
  assert(false, `reshape to ${shape.join('x')} is larger than ${tensor.shape.join('x')}`);
}

/** A part of `tensor` that starts at `element`; the byte offset must be a multiple of 256. */
export function slice(tensor: Tensor, element: number, shape: readonly number[]): Tensor {
  const offset = tensor.offset + element * bytesOf(tensor.type);
  if (offset % 256 !== 0) assert(false, `slice at byte ${offset} is not aligned to 256`);
  const view = { ...tensor, offset, shape };
  assert(element + elementsOf(view) <= elementsOf(tensor), 'slice leaves its tensor');
  return view;
}
