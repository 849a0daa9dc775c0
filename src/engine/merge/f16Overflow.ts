import { GraftError } from '../../base/lib/errors.ts';

const EXPONENT = 0x7c00;

/**
 * The same bytes; F16 with an infinity or NaN among them is refused, since its largest value is 65504. Throws
 * `merge.f16_overflow` with the tensor.
 */
export function refuseOverflow(
  bytes: Uint8Array<ArrayBuffer>,
  dtype: string,
  tensor: string,
): Uint8Array<ArrayBuffer> {
  if (dtype !== 'F16') return bytes;
  const aligned = bytes.byteOffset % 2 === 0 ? bytes : bytes.slice();
  const halves = new Uint16Array(aligned.buffer, aligned.byteOffset, Math.floor(aligned.byteLength / 2));
  for (const half of halves) {
    if ((half & EXPONENT) === EXPONENT) throw new GraftError('merge.f16_overflow', { tensor });
  }
  return bytes;
}

/** `refuseOverflow` of each block. */
export async function* refusingOverflow(
  blocks: AsyncIterable<Uint8Array<ArrayBuffer>>,
  dtype: string,
  tensor: string,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for await (const block of blocks) yield refuseOverflow(block, dtype, tensor);
}
