import type { Commands } from '../gpu/commands.ts';
import { dequantize } from '../kernels/dequantize.ts';
import type { Weight } from '../kernels/weight.ts';
import type { Decoder } from './decoder.ts';
import { matrixAt, type ParameterBuffers, type ParameterLayout, type Place } from './parameters.ts';
import type { VocabularyRole } from './vocabulary.ts';

/** A matrix [rows, cols] in the trainable parameters: f32, split by rows where a buffer cannot hold it whole. */
export class TrainedMatrix {
  readonly rows: number;
  readonly cols: number;
  readonly #chunks: { rowStart: number; rows: number; place: Place }[] = [];

  constructor({ rows, cols }: { rows: number; cols: number }, layout: ParameterLayout) {
    this.rows = rows;
    this.cols = cols;
    const step = Math.max(1, Math.floor(layout.limit / cols));
    for (let rowStart = 0; rowStart < rows; rowStart += step) {
      const count = Math.min(step, rows - rowStart);
      this.#chunks.push({ rowStart, rows: count, place: layout.reserve(count * cols) });
    }
  }

  /** Where its rows are, from the first on. */
  get places(): Place[] {
    return this.#chunks.map(({ place }) => place);
  }

  /** The matrix in these buffers (the parameters, or their gradients), as any other weight. */
  weight(buffers: ParameterBuffers): Weight {
    const { rows, cols } = this;
    const chunks = this.#chunks.map((chunk) => ({
      rowStart: chunk.rowStart,
      rows: chunk.rows,
      cols,
      encoding: { format: 'f32' as const },
      data: matrixAt(buffers, chunk.place, [chunk.rows, cols]),
    }));
    return { rows, cols, chunks };
  }

  /**
   * Begins with the values of a frozen matrix, in whatever encoding.
   * @param first the row here that row 0 of `frozen` is, where siblings lie one below the other in one of the two
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

/** Lets a trained embedding or head begin with the model's own values, part by part. */
export async function copyVocabulary(
  { weights, commands }: Decoder,
  role: VocabularyRole,
  matrix: TrainedMatrix,
  params: ParameterBuffers,
): Promise<void> {
  const frozen = await weights.vocabulary(role);
  for (let i = 0; i < frozen.count; i++) {
    matrix.copyFrom(commands, await frozen.part(i), params);
    commands.submit();
    frozen.release(i);
  }
}
