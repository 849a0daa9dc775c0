import { previewRow, type PreviewPiece } from '../../../content/data/checks/preview.ts';
import type { Dataset, DatasetOptions, DatasetTokens } from '../../../content/data/dataset/dataset.ts';
import type { RowTokenizer } from '../../../content/data/dataset/rowTokenizer.ts';
import type { Row } from '../../../content/data/files/row.ts';
import type { CheckedRow, PreviewedRow } from '../dataProtocol.ts';
import type { TextGuard } from '../../../content/guard/textGuard.ts';
import { problemAt, problemFrom } from './rowProblems.ts';

/** How many characters of a row are shown: nobody reads a book in a preview. */
const SHOWN_CHARACTERS = 20_000;
/** Longer than any row: nothing is cut. */
const UNCUT = 1 << 30;

/** A tokenizer that also shows what rows and tokens look like. */
export type PreviewTokenizer = RowTokenizer & Pick<TextGuard, 'previewTokens' | 'previewRow'>;

/**
 * The row at a position of a tokenized data set as the model sees it, with what of it is cut off; the text of a row
 * without tokens. Throws what the model's template and tokenizer throw.
 */
export async function previewedRow(
  dataset: Dataset,
  tokens: DatasetTokens,
  tokenizer: PreviewTokenizer,
  position: number,
): Promise<PreviewedRow> {
  const { sheet } = dataset;
  const row = sheet.row(position);
  const excluded = sheet.isExcluded(position);
  const about = {
    position,
    line: sheet.line(position),
    edited: sheet.isEdited(position),
    added: sheet.isAdded(position),
    codes: dataset.findings.filter(({ rows }) => row && rows.includes(row)).map(({ code }) => code),
  };
  const first = row && !excluded ? dataset.tokenizedRows(row)[0] : undefined;
  if (!row || first === undefined) {
    const text = { text: sheet.text(position), trained: false, special: false, tokens: 0 };
    return {
      ...about,
      use: excluded ? 'excluded' : 'unusable',
      tokens: 0,
      trainedTokens: 0,
      cutTokens: 0,
      pieces: shortened([[text]]),
      problem: excluded ? null : problemAt(dataset, position),
    };
  }
  const rows =
    tokenizer.hasTokenizer && dataset.format !== 'tokenized'
      ? await tokenizer.previewRow(dataset.requestFor(row, dataset.options!))
      : [await tokenPieces(dataset, tokens, tokenizer, row, first)];
  const count = (counts: (piece: PreviewPiece) => boolean) =>
    rows.flat().reduce((sum, piece) => sum + (counts(piece) ? piece.tokens : 0), 0);
  return {
    ...about,
    use: tokens.evaluation.includes(first) ? 'evaluation' : 'train',
    tokens: count(({ cut }) => !cut),
    trainedTokens: count(({ cut, trained }) => trained && !cut),
    cutTokens: count(({ cut }) => cut === true),
    pieces: shortened(rows),
    problem: null,
  };
}

/** What an edited row would be to the model. Errors of the text are a problem, too. */
export async function checkedRow(
  dataset: Dataset,
  tokenizer: RowTokenizer,
  options: DatasetOptions,
  position: number,
  text: string,
): Promise<CheckedRow> {
  const { parsed, sheet } = dataset;
  try {
    const row = sheet.parse(position, text);
    const { ids, trainedTokens, truncatedTokens } = await dataset.tokenizeRow(tokenizer, row, options);
    return { tokens: ids.length, trainedTokens, cutTokens: truncatedTokens, problem: null };
  } catch (error) {
    const problem = problemFrom(error, sheet.line(position), parsed.name);
    return { tokens: 0, trainedTokens: 0, cutTokens: 0, problem };
  }
}

/** A row that brings its tokens, or whose model has no tokenizer: its tokens, and those that are cut off. */
async function tokenPieces(
  dataset: Dataset,
  { all }: DatasetTokens,
  tokenizer: PreviewTokenizer,
  row: Row,
  tokenizedRow: number,
): Promise<PreviewPiece[]> {
  const whole = await dataset.tokenizeRow(tokenizer, row, { ...dataset.options!, maxLength: UNCUT });
  const kept = all.offsets[tokenizedRow + 1]! - all.offsets[tokenizedRow]!;
  const show = (from: number, to?: number) => {
    const [ids, labels] = [whole.ids.slice(from, to), whole.labels.slice(from, to)];
    return tokenizer.hasTokenizer
      ? tokenizer.previewTokens(ids, labels)
      : previewRow({ ids, labels, offsets: Uint32Array.of(0, ids.length) }, 0, null);
  };
  const rest = whole.ids.length > kept ? await show(kept) : [];
  return [...(await show(0, kept)), ...rest.map((piece) => ({ ...piece, cut: true }))];
}

/** The pieces of one or several rows up to the limit; where another row begins, its first piece says so. */
function shortened(rows: readonly (readonly PreviewPiece[])[]): PreviewPiece[] {
  const shown: PreviewPiece[] = [];
  let left = SHOWN_CHARACTERS;
  for (const [turn, pieces] of rows.entries()) {
    for (const [i, piece] of pieces.entries()) {
      if (left <= 0) return shown;
      const { text } = piece;
      const begins = i === 0 && rows.length > 1 && !piece.answer ? { turn: turn + 1 } : {};
      shown.push({ ...piece, ...begins, text: text.length > left ? `${text.slice(0, left)}…` : text });
      left -= text.length;
    }
  }
  return shown;
}
