import type { Weight, WeightChunk } from '../../kernels/weight.ts';
import { rowRanges, type RowRange } from './load/loadContext.ts';
import type { ModelFiles } from '../spec/openModel.ts';
import type { DecoderSpec, MatrixSpec } from '../spec/spec.ts';
import type { WeightLoader } from './weightLoader.ts';

/** The two matrices with one row per token. */
export type VocabularyRole = 'embedding' | 'head';

/** Bytes of a part as f32: large enough to amortize a dispatch, small compared with any model. */
const PART = 32 * 1024 * 1024;

/** 64 rows align parts like the chunks of matrices. */
const PART_ROWS = 64;

/** The stored matrix of a role; a tied head is the embedding itself. */
export function vocabularyMatrix(spec: DecoderSpec, role: VocabularyRole): MatrixSpec {
  const { names, vocabSize: rows, hiddenSize: cols, tied } = spec;
  return { module: role === 'head' && !tied ? names.head : names.embedding, rows, cols, linear: false };
}

/**
 * Rows per part of a vocabulary matrix: also the number of logit columns reduced at a time, even if the matrix is
 * resident, so that the bits agree.
 */
export function partRows({ hiddenSize }: DecoderSpec, maxBinding: number): number {
  const rows = Math.floor(Math.min(PART, maxBinding) / (4 * hiddenSize));
  return Math.max(PART_ROWS, Math.floor(rows / PART_ROWS) * PART_ROWS);
}

/** The ranges in which a vocabulary matrix is loaded: only one if it is quantized. */
export function vocabularyRanges(
  { spec, matrices }: ModelFiles,
  role: VocabularyRole,
  maxBinding: number,
): RowRange[] {
  const { module, rows } = vocabularyMatrix(spec, role);
  const whole = matrices.get(module)?.kind !== 'float';
  return whole ? [{ rowStart: 0, rows }] : rowRanges(rows, partRows(spec, maxBinding), PART_ROWS);
}

/** Loads a part, whose chunks keep their row numbers in the whole matrix. A head in fewer bits is quantized part by part. */
export async function loadVocabularyPart(
  loader: WeightLoader,
  files: ModelFiles,
  role: VocabularyRole,
  range: RowRange,
): Promise<Weight> {
  const matrix = vocabularyMatrix(files.spec, role);
  const byRows = files.matrices.get(matrix.module)?.kind === 'float';
  return byRows ? loader.rows(matrix, range, role === 'head') : loader.matrix(matrix);
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
