import type { Weight, WeightChunk } from '../kernels/weight.ts';
import { rowRanges, type RowRange } from './load/loadContext.ts';
import type { ModelFiles } from './openModel.ts';
import type { DecoderSpec, MatrixSpec } from './spec.ts';
import type { WeightLoader } from './weightLoader.ts';

/** The two matrices with a row for each token. */
export type VocabularyRole = 'embedding' | 'head';

/** Bytes of a part as f32: large enough to hide what a dispatch costs, small beside any model. */
const PART = 32 * 1024 * 1024;

/** 64 rows keep parts aligned as the chunks of matrices are. */
const PART_ROWS = 64;

/** A vocabulary matrix in the files; a tied head is the embedding itself. */
export function vocabularyMatrix(spec: DecoderSpec, role: VocabularyRole): MatrixSpec {
  const { names, vocabSize: rows, hiddenSize: cols, tied } = spec;
  return { module: role === 'head' && !tied ? names.head : names.embedding, rows, cols, linear: false };
}

/** Rows of a part of a vocabulary matrix: of the logits so many columns are summed at once, in whatever way they come. */
export function partRows({ hiddenSize }: DecoderSpec, maxBinding: number): number {
  const rows = Math.floor(Math.min(PART, maxBinding) / (4 * hiddenSize));
  return Math.max(PART_ROWS, Math.floor(rows / PART_ROWS) * PART_ROWS);
}

/** The parts a vocabulary matrix is loaded in: one, where it is quantized and only comes whole. */
export function vocabularyRanges(
  { spec, matrices }: ModelFiles,
  role: VocabularyRole,
  maxBinding: number,
): RowRange[] {
  const { module, rows } = vocabularyMatrix(spec, role);
  const whole = matrices.get(module)?.kind !== 'float';
  return whole ? [{ rowStart: 0, rows }] : rowRanges(rows, partRows(spec, maxBinding), PART_ROWS);
}

/** Loads a part, whose chunks keep their places in the whole matrix. */
export async function loadVocabularyPart(
  loader: WeightLoader,
  files: ModelFiles,
  role: VocabularyRole,
  range: RowRange,
): Promise<Weight> {
  const matrix = vocabularyMatrix(files.spec, role);
  const byRows = files.matrices.get(matrix.module)?.kind === 'float';
  return byRows ? loader.rows(matrix, range) : loader.matrix(matrix);
}

/** Loads all parts. */
export async function loadVocabulary(
  loader: WeightLoader,
  files: ModelFiles,
  role: VocabularyRole,
  maxBinding: number,
): Promise<Weight> {
  const chunks: WeightChunk[] = [];
  for (const range of vocabularyRanges(files, role, maxBinding)) {
    chunks.push(...(await loadVocabularyPart(loader, files, role, range)).chunks);
  }
  const { rows, cols } = vocabularyMatrix(files.spec, role);
  return { rows, cols, chunks };
}
