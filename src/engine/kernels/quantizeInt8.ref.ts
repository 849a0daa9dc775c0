import { INT8_BLOCK } from './weight.ts';

const SCALE = Math.fround(1 / 127);

/** Codes and scales of a matrix [rows, cols], and the values they stand for. */
export function quantizeInt8Ref(values: Float32Array, rows: number, cols: number) {
  const blocks = Math.ceil(cols / INT8_BLOCK);
  const codes = new Int8Array(rows * cols);
  const scales = new Float32Array(rows * blocks);
  const decoded = new Float32Array(rows * cols);
  for (let row = 0; row < rows; row++) {
    for (let block = 0; block < blocks; block++) {
      const [first, end] = [block * INT8_BLOCK, Math.min(cols, (block + 1) * INT8_BLOCK)];
      let largest = 0;
      for (let col = first; col < end; col++)
        largest = Math.max(largest, Math.abs(values[row * cols + col]!));
      const scale = Math.fround(largest * SCALE);
      scales[row * blocks + block] = scale;
      for (let i = row * cols + first; i < row * cols + end; i++) {
        codes[i] = scale > 1e-37 ? nearestEven(values[i]! / scale) : 0;
        decoded[i] = codes[i]! * scale;
      }
    }
  }
  return { codes, scales, decoded };
}

function nearestEven(x: number): number {
  const down = Math.floor(x);
  const rest = x - down;
  return rest > 0.5 || (rest === 0.5 && down % 2 !== 0) ? down + 1 : down;
}
