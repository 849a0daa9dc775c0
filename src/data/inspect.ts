import { GraftError, type ErrorCode } from '../lib/errors.ts';
import { dataFacts } from './dataFacts.ts';
import { detectFormat, type DataFormat } from './formats.ts';
import { Linter, type Finding } from './lint.ts';
import { parseDataset, type ParsedDataset } from './parse.ts';
import type { PreferenceKind } from './preference.ts';
import { previewRow } from './preview.ts';
import type { Reading } from './reading.ts';
import { notEmpty, tokenizeRows, type TokenizedDataset } from './tokenize.ts';
import type { Tokenizer } from './tokenizer.ts';
import { lintEnds } from './turnEnd.ts';
import type { ByteSource } from '../storage/types.ts';

/** A row as training sees it. */
export interface DataSample {
  line: number;
  /** All its tokens as text, special ones spelled out. */
  text: string;
  /** The parts of `text` that are trained, in characters (code points). */
  trained: [start: number, end: number][];
  ids: number[];
  /** Aligned with ids: −100 where a token is not trained. */
  labels: number[];
  /** Aligned with ids, where some tokens count otherwise than 1. */
  weights?: number[];
}

/** A data file as training sees it. */
export interface DataReport {
  kind: ParsedDataset['kind'] | null;
  /** `content` where the file's content says other than its name. */
  kindFrom: 'name' | 'content';
  encoding: string;
  /** Where the rows stand in a JSON object, and the other lists there, which are not read. */
  rowsField: string | null;
  otherRowsFields: string[];
  format: DataFormat | null;
  preference: PreferenceKind | null;
  /** Rows of the file that were read, and those of them that are trained on. */
  rows: number;
  used: number;
  tokens: number;
  trainedTokens: number;
  /** Answers that are not trained because the chat template writes them otherwise inside a conversation. */
  skippedTurns: number;
  /** Rows left out, by line; at most the first 1000. */
  problems: { line: number; code: ErrorCode; message: string }[];
  problemCount: number;
  findings: { code: Finding['code']; severity: Finding['severity']; lines: number[] }[];
  /** Fields that nothing reads. */
  unused: string[];
  samples: DataSample[];
}

export interface InspectOptions {
  tokenizer: Tokenizer | null;
  reading: Reading;
  maxLength: number;
  vocabSize: number;
  /** Where the rows stand in a JSON object; found where it is not given. */
  rowsField?: string;
  /** How many rows are shown. */
  samples: number;
}

/** What {@link inspectData} finds: the report, findings as the linter gives them, and why no row can be used. */
export interface Inspection {
  report: DataReport;
  findings: Finding[];
  parsed: ParsedDataset | null;
  /** Null where a row can be used. */
  error: GraftError | null;
}

/**
 * Reads a data file as training would and reports what becomes of it. A file without a usable row is an `error` of the
 * inspection, with as much of the report as there is. Throws what reading bytes throws.
 */
export async function inspectData(source: ByteSource, options: InspectOptions): Promise<Inspection> {
  const { tokenizer, reading, maxLength, vocabSize, rowsField } = options;
  let parsed: ParsedDataset | null = null;
  let format: DataFormat | null = null;
  try {
    parsed = await parseDataset(source, undefined, rowsField === undefined ? {} : { rowsField });
    format = detectFormat(parsed.rows, parsed.name);
    const tokens = tokenizeRows(parsed, { ...reading, format, tokenizer, maxLength, vocabSize });
    const facts = dataFacts(parsed.rows, format, tokenizer?.chatTemplate ?? null);
    const { rows } = parsed;
    const ends = tokenizer && lintEnds(tokenizer);
    const findings = new Linter().lint({ rows, format, tokens, maxLength, ends, evaluation: [] });
    const report: DataReport = {
      ...empty,
      ...fileFacts(parsed),
      ...{ format, preference: facts.preference?.kind ?? null },
      ...{ rows: rows.length + parsed.problemCount, used: new Set(tokens.sources).size },
      ...{
        tokens: tokens.ids.length,
        trainedTokens: tokens.trainedTokens,
        skippedTurns: tokens.skippedTurns,
      },
      ...problemsOf([...parsed.problems, ...tokens.problems], parsed.problemCount + tokens.problemCount),
      findings: findings.map(({ code, severity, rows: found }) => ({
        ...{ code, severity },
        lines: found.map((at) => rows[at]!.line),
      })),
      unused: facts.unused,
      samples: samplesOf(tokens, tokenizer, options.samples),
    };
    return { report, findings, parsed, error: errorOf(tokens, parsed.name) };
  } catch (error) {
    if (!(error instanceof GraftError)) throw error;
    const { code, message, params } = error;
    const found = { line: Number(params.line ?? 1), code, message };
    const problems = [...(parsed?.problems ?? []), found];
    const report = {
      ...empty,
      ...(parsed && fileFacts(parsed)),
      ...{ format, rows: parsed?.rows.length ?? 0 },
      ...problemsOf(problems, problems.length),
    };
    return { report, findings: [], parsed, error };
  }
}

const empty: DataReport = {
  ...{ kind: null, kindFrom: 'name', encoding: 'utf-8', rowsField: null, otherRowsFields: [] },
  ...{ format: null, preference: null, rows: 0, used: 0, tokens: 0, trainedTokens: 0, skippedTurns: 0 },
  ...{ problems: [], problemCount: 0, findings: [], unused: [], samples: [] },
};

function fileFacts({ kind, kindFrom, encoding, rowsField, otherRowsFields }: ParsedDataset) {
  return {
    ...{ kind, kindFrom: kindFrom ?? empty.kindFrom, encoding: encoding ?? empty.encoding },
    ...{ rowsField: rowsField ?? null, otherRowsFields: otherRowsFields ?? [] },
  };
}

function problemsOf(
  problems: readonly { line: number; code: ErrorCode; message: string }[],
  problemCount: number,
): Pick<DataReport, 'problems' | 'problemCount'> {
  const listed = problems.map(({ line, code, message }) => ({ line, code, message }));
  return { problems: listed.sort((a, b) => a.line - b.line), problemCount };
}

function errorOf(tokens: TokenizedDataset, file: string): GraftError | null {
  try {
    notEmpty(tokens, file);
    return null;
  } catch (error) {
    if (error instanceof GraftError) return error;
    throw error;
  }
}

function samplesOf(tokens: TokenizedDataset, tokenizer: Tokenizer | null, count: number): DataSample[] {
  const { ids, labels, weights, offsets, lines } = tokens;
  return Array.from(lines.subarray(0, count), (line, row) => {
    let text = '';
    let length = 0;
    const trained: [number, number][] = [];
    for (const piece of previewRow(tokens, row, tokenizer)) {
      const start = length;
      text += piece.text;
      length += Array.from(piece.text).length;
      const last = trained.at(-1);
      if (!piece.trained || length === start) continue;
      if (last && last[1] === start) last[1] = length;
      else trained.push([start, length]);
    }
    const [start, end] = [offsets[row]!, offsets[row + 1]!];
    return {
      ...{ line, text, trained },
      ...{ ids: [...ids.slice(start, end)], labels: [...labels.slice(start, end)] },
      ...(weights && { weights: [...weights.slice(start, end)] }),
    };
  });
}
