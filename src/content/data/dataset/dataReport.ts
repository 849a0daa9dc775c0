import type { ErrorCode } from '../../../base/lib/errors.ts';
import type { Finding } from '../checks/finding.ts';
import type { PreviewPiece } from '../checks/preview.ts';
import type { ParsedDataset } from '../files/parse.ts';
import type { DataFormat } from '../rows/formats.ts';
import type { PreferenceKind } from '../rows/preference.ts';
import type { TokenizedDataset } from '../tokens/tokenizedDataset.ts';
import type { Inspection } from './inspect.ts';

/** A row as training uses it. */
export interface DataSample {
  line: number;
  /** All its tokens as text, with special tokens shown. */
  text: string;
  /** The trained parts of `text`, as ranges of code points. */
  trained: [start: number, end: number][];
  ids: number[];
  /** Aligned with ids: −100 where a token is not trained. */
  labels: number[];
  /** Aligned with ids; present if some weights differ from 1. */
  weights?: number[];
}

/** A data file as training uses it. */
export interface DataReport {
  kind: ParsedDataset['kind'] | null;
  /** `content` if the file's content differs from what its name suggests. */
  kindFrom: 'name' | 'content';
  encoding: string;
  /** For a JSON object, the path of the list of rows, and those of other lists, which are not read. */
  rowsField: string | null;
  otherRowsFields: string[];
  format: DataFormat | null;
  preference: PreferenceKind | null;
  /** Number of rows read from the file, and of those trained on. */
  rows: number;
  used: number;
  tokens: number;
  trainedTokens: number;
  /** Answers that are not trained because the chat template renders them differently inside a conversation. */
  skippedTurns: number;
  /** Problems of dropped rows, with line numbers; at most the first 1000. */
  problems: { line: number; code: ErrorCode; message: string }[];
  problemCount: number;
  findings: { code: Finding['code']; severity: Finding['severity']; lines: number[] }[];
  /** Fields that are not used. */
  unused: string[];
  samples: DataSample[];
}

/**
 * An inspection as plain data.
 * @param preview tokens of a row as the model sees them, with their labels as in a TokenizedDataset
 * @param shown number of sample rows
 */
export async function dataReport(
  { parsed, format, tokens, findings, facts, error }: Inspection,
  preview: (ids: Int32Array, labels: Int32Array) => Promise<PreviewPiece[]>,
  shown: number,
): Promise<DataReport> {
  const file = { ...empty, ...(parsed && fileFacts(parsed)), format };
  if (!parsed || !tokens || !facts) {
    const { line = 1 } = error?.params ?? {};
    const ended = error ? [{ line: Number(line), code: error.code, message: error.message }] : [];
    const problems = [...(parsed?.problems ?? []), ...ended];
    return { ...file, rows: parsed?.rows.length ?? 0, ...problemsOf(problems, problems.length) };
  }
  return {
    ...file,
    preference: facts.preference?.kind ?? null,
    rows: parsed.rows.length + parsed.problemCount,
    used: new Set(tokens.sources).size,
    tokens: tokens.ids.length,
    trainedTokens: tokens.trainedTokens,
    skippedTurns: tokens.skippedTurns,
    ...problemsOf([...parsed.problems, ...tokens.problems], parsed.problemCount + tokens.problemCount),
    findings: findings.map(({ code, severity, rows }) => ({
      code,
      severity,
      lines: rows.map(({ line }) => line),
    })),
    unused: facts.unused,
    samples: await samplesOf(tokens, preview, shown),
  };
}

const empty: DataReport = {
  kind: null,
  kindFrom: 'name',
  encoding: 'utf-8',
  rowsField: null,
  otherRowsFields: [],
  format: null,
  preference: null,
  rows: 0,
  used: 0,
  tokens: 0,
  trainedTokens: 0,
  skippedTurns: 0,
  problems: [],
  problemCount: 0,
  findings: [],
  unused: [],
  samples: [],
};

function fileFacts({ kind, kindFrom, encoding, rowsField, otherRowsFields }: ParsedDataset) {
  return {
    kind,
    kindFrom: kindFrom ?? empty.kindFrom,
    encoding: encoding ?? empty.encoding,
    rowsField: rowsField ?? null,
    otherRowsFields: otherRowsFields ?? [],
  };
}

function problemsOf(
  problems: readonly { line: number; code: ErrorCode; message: string }[],
  problemCount: number,
): Pick<DataReport, 'problems' | 'problemCount'> {
  const listed = problems.map(({ line, code, message }) => ({ line, code, message }));
  return { problems: listed.sort((a, b) => a.line - b.line), problemCount };
}

async function samplesOf(
  tokens: TokenizedDataset,
  preview: Parameters<typeof dataReport>[1],
  count: number,
): Promise<DataSample[]> {
  const { ids, labels, weights, offsets, lines } = tokens;
  const samples: DataSample[] = [];
  for (const [row, line] of lines.subarray(0, count).entries()) {
    const [start, end] = [offsets[row]!, offsets[row + 1]!];
    const own = { ids: ids.slice(start, end), labels: labels.slice(start, end) };
    samples.push({
      line,
      ...markedText(await preview(own.ids, own.labels)),
      ids: [...own.ids],
      labels: [...own.labels],
      ...(weights && { weights: [...weights.slice(start, end)] }),
    });
  }
  return samples;
}

/** The text of pieces, and which parts of it are trained. */
function markedText(pieces: readonly PreviewPiece[]): Pick<DataSample, 'text' | 'trained'> {
  let text = '';
  let length = 0;
  const trained: [number, number][] = [];
  for (const piece of pieces) {
    const start = length;
    text += piece.text;
    length += Array.from(piece.text).length;
    const last = trained.at(-1);
    if (!piece.trained || length === start) continue;
    if (last && last[1] === start) last[1] = length;
    else trained.push([start, length]);
  }
  return { text, trained };
}
