import { assert } from '../../base/lib/errors.ts';

/** Element types a kernel can store. Arithmetic is always f32. */
export type ElementType = 'f32' | 'f16' | 'u32';

/** Bytes of one element. */
export function bytesOf(type: ElementType): number {
  return type === 'f16' ? 2 : 4;
}

/** A typed range of a GPU buffer. `shape` is row-major; rows are contiguous. */
export interface Tensor {
  readonly buffer: GPUBuffer;
  /** Offset in bytes, a multiple of 256 (the storage binding alignment that every adapter supports). */
  readonly offset: number;
  readonly type: ElementType;
  readonly shape: readonly number[];
}

/** Number of elements. */
export function elementsOf(tensor: Pick<Tensor, 'shape'>): number {
  return tensor.shape.reduce((product, n) => product * n, 1);
}

/** Size in bytes, rounded up to 4 as WebGPU requires. */
export function byteLengthOf(tensor: Pick<Tensor, 'type' | 'shape'>): number {
  return Math.ceil((elementsOf(tensor) * bytesOf(tensor.type)) / 4) * 4;
}

/** The same elements, or the first of them, in another shape. */
export function reshape(tensor: Tensor, shape: readonly number[]): Tensor {
  const view = { ...tensor, shape };
  // Called in every step: the message is built only on failure.
  if (elementsOf(view) <= elementsOf(tensor)) return view;
  assert(false, `reshape to ${shape.join('x')} is larger than ${tensor.shape.join('x')}`);
}

/** A range of `tensor` starting at `element`; its byte offset must be a multiple of 256. */
export function slice(tensor: Tensor, element: number, shape: readonly number[]): Tensor {
  const offset = tensor.offset + element * bytesOf(tensor.type);
  if (offset % 256 !== 0) assert(false, `slice at byte ${offset} is not aligned to 256`);
  const view = { ...tensor, offset, shape };
  assert(element + elementsOf(view) <= elementsOf(tensor), 'slice leaves its tensor');
  return view;
}
