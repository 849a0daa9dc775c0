import type { Checkpoint } from '../checkpoint.ts';
import { decodeFloats } from '../../../base/lib/floats.ts';
import { readWords } from './describeStored.ts';
import { dequantizeInt4Ref } from './dequantize.ref.ts';
import { gptqZeroOffset } from './gptqZeros.ts';
import type { Int4Matrix, Quantization } from './types.ts';

/** Rows that share a word of zeros: what is dequantized at once. */
const ROWS = 8;
const PIECE = 4 * 1024 * 1024;

/**
 * Some rows of a GPTQ or AWQ matrix [rows, cols], f32 [cols] each by row, in plain loops. The files run along the
 * columns: all of them is read, a piece at a time, and little of it stays in memory.
 */
export async function readInt4Rows(
  checkpoint: Checkpoint,
  quantization: Quantization | null,
  stored: Int4Matrix,
  [rows, cols]: readonly [number, number],
  wanted: readonly number[],
): Promise<Map<number, Float32Array>> {
  const { kind, qweight, qzeros, scales, scaleDtype, groupIndex } = stored;
  const bands = [...new Set(wanted.map((row) => Math.floor(row / ROWS)))];
  const words = rows / ROWS;
  const zeroBytes = await checkpoint.read(qzeros);
  const zeros = readWords(zeroBytes);
  const allScales = decodeFloats(await checkpoint.read(scales), scaleDtype, scales);
  const order = groupIndex === null ? null : readWords(await checkpoint.read(groupIndex));
  const zeroOffset = quantization?.method === 'gptq' ? gptqZeroOffset(zeroBytes, quantization) : 0;
  // AWQ has one word a column for the rows of a band, GPTQ one a row for eight columns.
  const [lines, wordsOfBand] = kind === 'awq' ? [cols, 1] : [cols / 8, ROWS];
  const codes = await pickColumns(
    checkpoint,
    qweight,
    lines,
    (rows * wordsOfBand) / ROWS,
    wordsOfBand,
    bands,
  );
  const found = new Map<number, Float32Array>();
  for (const band of bands) {
    const values = dequantizeInt4Ref(stored, ROWS, cols, {
      codes: codes.get(band)!,
      zeros: zeros.filter((_, i) => i % words === band),
      scales: allScales.filter((_, i) => Math.floor((i % rows) / ROWS) === band),
      groupIndex: order,
      zeroOffset,
    });
    for (const row of wanted) {
      if (Math.floor(row / ROWS) !== band) continue;
      const first = (row % ROWS) * cols;
      found.set(row, values.subarray(first, first + cols));
    }
  }
  return found;
}

/** Words band · width … band · width + width − 1 of every line of a tensor I32 [lines, perLine], by band. */
async function pickColumns(
  checkpoint: Checkpoint,
  tensor: string,
  lines: number,
  perLine: number,
  width: number,
  bands: readonly number[],
): Promise<Map<number, Int32Array>> {
  const picked = new Map(bands.map((band) => [band, new Int32Array(lines * width)]));
  const step = Math.max(1, Math.floor(PIECE / (4 * perLine)));
  for (let line = 0; line < lines; line += step) {
    const count = Math.min(step, lines - line);
    const piece = readWords(await checkpoint.readRange(tensor, 4 * line * perLine, 4 * count * perLine));
    for (const [band, values] of picked) {
      for (let i = 0; i < count; i++) {
        const from = i * perLine + band * width;
        values.set(piece.subarray(from, from + width), (line + i) * width);
      }
    }
  }
  return picked;
}
