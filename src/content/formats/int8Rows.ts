import { GraftError } from '../../base/lib/errors.ts';

/** A matrix in 8 bits: row r of it is codes[r, :] · scales[r]. */
export interface Int8Rows {
  /** [rows, cols], −127 … 127. */
  codes: Int8Array<ArrayBuffer>;
  /** [rows], ≥ 0. */
  scales: Float32Array<ArrayBuffer>;
}

/**
 * Rounds each row of a matrix [rows, cols] to 8 bits, its largest magnitude being 127 steps: no value moves by more than
 * half a step of its row. Throws `formats.adapter_not_finite`, which names `tensor`.
 */
export function quantizeRows(values: Float32Array, rows: number, tensor: string): Int8Rows {
  const cols = values.length / rows;
  const codes = new Int8Array(values.length);
  const scales = new Float32Array(rows);
  for (let r = 0; r < rows; r++) {
    const row = values.subarray(r * cols, (r + 1) * cols);
    const largest = row.reduce((max, x) => Math.max(max, Math.abs(x)), 0);
    if (!Number.isFinite(largest)) throw new GraftError('formats.adapter_not_finite', { tensor, row: r });
    const scale = Math.fround(largest / 127);
    scales[r] = scale;
    if (scale > 0) row.forEach((x, i) => (codes[r * cols + i] = Math.round(x / scale)));
  }
  return { codes, scales };
}

/** The values [rows, cols] that 8-bit rows stand for. */
export function expandRows({ codes, scales }: Int8Rows): Float32Array<ArrayBuffer> {
  const cols = codes.length / scales.length;
  return Float32Array.from(codes, (code, i) => code * scales[Math.floor(i / cols)]!);
}
