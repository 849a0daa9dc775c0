import type { Commands } from '../../gpu/commands.ts';
import { dequantize } from '../../kernels/dequantize.ts';
import type { Weight } from '../../kernels/weight.ts';
import {
  matrixAt,
  type ParameterBuffers,
  type ParameterLayout,
  type ParameterRange,
} from '../decoder/parameters.ts';

/** A matrix [rows, cols] among the trainable parameters: f32, split by rows if a buffer cannot hold it whole. */
export class TrainedMatrix {
  readonly rows: number;
  readonly cols: number;
  readonly #chunks: { rowStart: number; rows: number; range: ParameterRange }[] = [];

  /** @param unit rows that stay together */
  constructor({ rows, cols }: { rows: number; cols: number }, layout: ParameterLayout, unit = 1) {
    this.rows = rows;
    this.cols = cols;
    const step = unit * Math.max(1, Math.floor(layout.limit / (unit * cols)));
    for (let rowStart = 0; rowStart < rows; rowStart += step) {
      const count = Math.min(step, rows - rowStart);
      this.#chunks.push({ rowStart, rows: count, range: layout.reserve(count * cols) });
    }
  }

  /** The ranges of its rows, in order. */
  get ranges(): ParameterRange[] {
    return this.#chunks.map(({ range }) => range);
  }

  /** The matrix in these buffers (parameters or gradients) as a weight. */
  weight(buffers: ParameterBuffers): Weight {
    const { rows, cols } = this;
    const chunks = this.#chunks.map((chunk) => ({
      rowStart: chunk.rowStart,
      rows: chunk.rows,
      cols,
      encoding: { format: 'f32' as const },
      data: matrixAt(buffers, chunk.range, [chunk.rows, cols]),
    }));
    return { rows, cols, chunks };
  }

  /** Some of its rows, which are in one chunk: for copies only, as kernels could not bind them at any row. */
  rowsAt(buffers: ParameterBuffers, start: number, rows: number): Weight {
    const { cols } = this;
    const encoding = { format: 'f32' as const };
    for (const { rowStart, rows: held, range } of this.#chunks) {
      if (start < rowStart || start + rows > rowStart + held) continue;
      const whole = matrixAt(buffers, range, [held, cols]);
      const data = { ...whole, offset: whole.offset + 4 * (start - rowStart) * cols, shape: [rows, cols] };
      return { rows, cols, chunks: [{ rowStart: 0, rows, cols, encoding, data }] };
    }
    throw new RangeError(`rows ${start} to ${start + rows} are not in one chunk`);
  }

  /**
   * Initializes it from a frozen matrix in any encoding.
   * @param first the row of this matrix that corresponds to row 0 of `frozen`, if either holds several fused
   *   projections
   */
  copyFrom(commands: Commands, frozen: Weight, params: ParameterBuffers, first = 0): void {
    for (const target of this.weight(params).chunks) {
      for (const chunk of frozen.chunks) {
        const begin = first + chunk.rowStart;
        const start = Math.max(target.rowStart, begin);
        const rows = Math.min(target.rowStart + target.rows, begin + chunk.rows) - start;
        if (rows <= 0) continue;
        const outRow = start - target.rowStart;
        dequantize(commands, { chunk, row: start - begin, rows, out: target.data, outRow });
      }
    }
  }
}
