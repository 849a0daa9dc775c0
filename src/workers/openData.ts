import { dataFacts, type DataFacts } from '../data/dataFacts.ts';
import { columnsOf, guessMapping, mappedConversation, type ColumnMapping } from '../data/columns.ts';
import { detectFormat, type DataFormat, type RowFormat } from '../data/formats.ts';
import { Linter, type Finding, type FindingCode } from '../data/lint.ts';
import type { ParsedDataset } from '../data/parse.ts';
import type { Problem } from '../data/problems.ts';
import { rowsToTokenize, withKnownTokens } from '../data/retokenize.ts';
import type { Row } from '../data/row.ts';
import { Sheet } from '../data/sheet.ts';
import { splitRows } from '../data/split.ts';
import { notEmpty, previewRow, tokenizeRows, type TokenizedDataset } from '../data/tokenize.ts';
import { GraftError } from '../lib/errors.ts';
import { textMatcher } from '../data/matches.ts';
import type {
  ChangeCounts,
  CheckedRow,
  DatasetSummary,
  FindingSummary,
  MappedRow,
  PreviewedRow,
  PreviewPiece,
  RowProblem,
  TokenizeOptions,
} from './dataProtocol.ts';
import type { TextGuard } from './textGuard.ts';

/** How many problems travel to the page: it lists the first, and tells how many there are. */
const LISTED_PROBLEMS = 50;
/** How many rows of a finding travel to the page. */
const LISTED_ROWS = 8;
/** How many characters of a row are shown: a book is not read in a preview. */
const PREVIEW_CHARACTERS = 20_000;
/** Rows shown while columns are chosen. */
const MAPPED_ROWS = 3;
/** Longer than any row: nothing is cut. */
const WHOLE = 1 << 30;

/** The model's tokenizer, and what may be told of its vocabulary. */
export type Texts = Pick<
  TextGuard,
  'hasTokenizer' | 'chatTemplate' | 'tokenize' | 'preview' | 'look' | 'endTokens'
>;

/** The rows as tokens, and which of them are trained on; indices are those of `all`. */
export interface OpenTokens {
  all: TokenizedDataset;
  trainRows: number[];
  evalRows: number[];
}

/** One data file in the data worker: its rows, what was changed in them, how they are read, and their tokens. */
export class OpenData {
  readonly sheet: Sheet;
  readonly #detected: DataFormat | null;
  readonly #columns;
  #mapping: ColumnMapping | null = null;
  #linter = new Linter();
  #findings: Finding[] = [];
  #lintedRows: readonly Row[] = [];
  /** What tokens were last made of and how; kept when tokens of another tokenizer or recipe are to come. */
  #known: { key: string; now: Date; rows: readonly Row[]; dataset: TokenizedDataset } | null = null;
  #tokens: (OpenTokens & { options: TokenizeOptions }) | null = null;
  #matches: { of: string; positions: number[] } | null = null;

  /** Throws `data.unknown_format` where neither the shape of the rows is known nor any column could be a text. */
  constructor(readonly parsed: ParsedDataset) {
    this.sheet = new Sheet(parsed);
    this.#columns = columnsOf(parsed.rows);
    this.#detected = this.#detect();
  }

  get tokens(): OpenTokens | null {
    return this.#tokens;
  }

  get counts(): ChangeCounts {
    return this.sheet.counts;
  }

  /** Forgets the tokens: they are of another tokenizer. */
  forgetTokens(): void {
    this.#tokens = null;
    this.#known = null;
  }

  summary(): DatasetSummary {
    const { name, kind, kindFrom, encoding, rowsField, otherRowsFields, rows } = this.parsed;
    const problems = this.#unreadable();
    return {
      ...{ name, kind, rows: rows.length, positions: this.sheet.length },
      ...(kindFrom && { kindFrom }),
      ...(encoding && { encoding }),
      ...(rowsField !== undefined && { rowsField }),
      ...(otherRowsFields && { otherRowsFields }),
      format: this.#mapping ? 'columns' : this.#detected,
      columns: this.#detected === 'tokenized' ? [] : this.#columns,
      mapping: this.#mapping,
      guess: guessMapping(this.#columns),
      ...this.#facts(null),
      problems: problems.listed,
      problemCount: problems.count,
    };
  }

  /** Reads the rows by these columns from now on; null by their shape again. */
  map(mapping: ColumnMapping | null): void {
    this.#mapping = mapping;
    this.#linter = new Linter();
    this.forgetTokens();
  }

  /** The first rows as a mapping would read them. */
  mapped(mapping: ColumnMapping): MappedRow[] {
    return this.sheet
      .kept()
      .slice(0, MAPPED_ROWS)
      .map((row) => {
        try {
          const conversation = mappedConversation(row, mapping);
          const turns =
            'messages' in conversation
              ? conversation.messages
              : [{ role: 'text' as const, content: 'text' in conversation ? conversation.text : '' }];
          return {
            line: row.line,
            turns: turns.map(({ role, content }) => ({
              role: role as MappedRow['turns'][number]['role'],
              content: brief(content),
            })),
          };
        } catch (error) {
          return { line: row.line, turns: [], problem: problemOf(error, row.line, this.parsed.name) };
        }
      });
  }

  /**
   * Makes tokens of the rows; rows whose tokens are known keep them. Rows excluded by hand keep their place in the
   * split, so that to exclude one moves no other between training and evaluation.
   * Throws as `tokenizeDataset` does, `data.bad_split`, `data.all_excluded`.
   */
  async tokenize(
    texts: Texts,
    vocabSize: number,
    options: TokenizeOptions,
    onProgress: (done: number, total: number) => void,
  ): Promise<OpenTokens> {
    this.#tokens = null;
    const rows = this.sheet.kept();
    if (rows.length === 0) throw new GraftError('data.all_excluded', { file: this.parsed.name });
    const { reading, maxLength, evalFraction, seed } = options;
    const key = JSON.stringify([reading, maxLength, vocabSize, this.#format]);
    const known = this.#known?.key === key ? this.#known : null;
    const now = known?.now ?? new Date();
    const missing = rowsToTokenize(rows, known);
    const request = { ...reading, format: this.#format, maxLength, vocabSize, now, name: this.parsed.name };
    const fresh =
      missing.length === 0 ? NONE : await encode(texts, { ...request, rows: missing }, onProgress);
    const all = notEmpty(withKnownTokens(rows, known, fresh), this.parsed.name);
    this.#known = { key, now, rows, dataset: all };

    // A row may have become several, one for each turn: they stay together.
    const places = new Map<number, number[]>();
    all.sources.forEach((source, at) => {
      const position = this.sheet.positionOf(rows[source]!);
      places.set(position, [...(places.get(position) ?? []), at]);
    });
    const slots: (readonly number[])[] = [];
    for (let position = 0; position < this.sheet.length; position++) {
      const at = places.get(position);
      if (at || this.sheet.isExcluded(position)) slots.push(at ?? []);
    }
    const split = splitRows(slots.length, evalFraction, seed);
    const left = (chosen: number[]) => chosen.flatMap((slot) => slots[slot]!);
    const [trainRows, evalRows] = [left(split.train), left(split.eval)];
    if (trainRows.length === 0) throw new GraftError('data.all_excluded', { file: this.parsed.name });
    this.#tokens = { all, trainRows, evalRows, options };
    return this.#tokens;
  }

  /** Problems of the rows as they are now: those that can't be read, and those that can't be trained on. */
  problems(): { listed: RowProblem[]; count: number } {
    const unreadable = this.#unreadable();
    const { problems, problemCount } = this.#tokens?.all ?? NONE;
    const untrained = problems.slice(0, LISTED_PROBLEMS).map((problem) => this.#listed(problem));
    const listed = [...unreadable.listed, ...untrained].sort((a, b) => a.line - b.line);
    return { listed: listed.slice(0, LISTED_PROBLEMS), count: unreadable.count + problemCount };
  }

  /** Fields that nothing reads, the model's template included. */
  unused(texts: Texts): string[] {
    return this.#facts(texts.chatTemplate).unused;
  }

  /** What else may be wrong with the rows; see {@link Linter}. */
  async lint(texts: Texts): Promise<FindingSummary[]> {
    const rows = this.sheet.kept();
    if (this.#detected === null && !this.#mapping) return [];
    const tokens = this.#tokens;
    this.#lintedRows = rows;
    this.#findings = this.#linter.lint({
      ...{ rows, format: this.#format, tokens: tokens?.all ?? null },
      maxLength: tokens?.options.maxLength ?? Infinity,
      ends: texts.hasTokenizer && tokens ? await texts.endTokens() : null,
      evaluation: tokens?.evalRows ?? [],
    });
    return this.#findings.map(({ code, severity, rows: found, params }) => ({
      ...{ code, severity, params, count: found.length },
      rows: found.slice(0, LISTED_ROWS).map((at) => ({
        position: this.sheet.positionOf(rows[at]!),
        line: rows[at]!.line,
      })),
    }));
  }

  /** Excludes all rows of a finding. */
  excludeFound(code: FindingCode): void {
    const finding = this.#findings.find((candidate) => candidate.code === code);
    this.sheet.exclude((finding?.rows ?? []).map((at) => this.sheet.positionOf(this.#lintedRows[at]!)));
  }

  /** The row at `position` as the model sees it, with what of it is cut off; one without tokens as its text. */
  async preview(texts: Texts, vocabSize: number, position: number): Promise<PreviewedRow> {
    const { sheet } = this;
    const row = sheet.row(position);
    const excluded = sheet.isExcluded(position);
    const at = row && !excluded ? this.#tokenizedAt(row) : -1;
    const about = { position, line: sheet.line(position), edited: sheet.isEdited(position) };
    const codes = row ? this.#codesOf(row) : [];
    if (!row || at < 0) {
      const pieces = shortened([[{ text: sheet.text(position), trained: false, special: false, tokens: 0 }]]);
      const problem = excluded ? null : this.#problemOf(position, row);
      const use = excluded ? 'excluded' : 'unusable';
      return { ...about, use, tokens: 0, trainedTokens: 0, cutTokens: 0, pieces, codes, problem };
    }
    const { evalRows, options } = this.#tokens!;
    const rows = await this.#look(texts, vocabSize, row, at, options);
    const count = (pieces: readonly PreviewPiece[], counts: (piece: PreviewPiece) => boolean) =>
      pieces.reduce((sum, piece) => sum + (counts(piece) ? piece.tokens : 0), 0);
    const all = rows.flat();
    return {
      ...about,
      use: evalRows.includes(at) ? 'evaluation' : 'train',
      tokens: count(all, ({ cut }) => !cut),
      trainedTokens: count(all, ({ cut, trained }) => trained && !cut),
      cutTokens: count(all, ({ cut }) => cut === true),
      pieces: shortened(rows),
      codes,
      problem: null,
    };
  }

  /** The tokens of a row as text: through the template where there is a text, else those it brings. */
  async #look(
    texts: Texts,
    vocabSize: number,
    row: Row,
    at: number,
    { reading, maxLength }: TokenizeOptions,
  ): Promise<PreviewPiece[][]> {
    if (texts.hasTokenizer && this.#format !== 'tokenized') {
      const now = this.#known?.now ?? new Date();
      const request = { ...reading, format: this.#format, maxLength, vocabSize, now, name: this.parsed.name };
      return texts.look({ ...request, rows: [row] });
    }
    const whole = await this.#encodeOne(texts, vocabSize, row, {
      ...this.#tokens!.options,
      maxLength: WHOLE,
    });
    const kept = this.#tokens!.all.offsets[at + 1]! - this.#tokens!.all.offsets[at]!;
    const show = (from: number, to?: number) => {
      const [ids, labels] = [whole.ids.slice(from, to), whole.labels.slice(from, to)];
      return texts.hasTokenizer
        ? texts.preview(ids, labels)
        : previewRow({ ids, labels, offsets: Uint32Array.of(0, ids.length) }, 0, null);
    };
    const rest = whole.ids.length > kept ? await show(kept) : [];
    return [[...(await show(0, kept)), ...rest.map((piece) => ({ ...piece, cut: true }))]];
  }

  /** What an edited row would be to the model. Errors of the text are a problem, too. */
  async check(
    texts: Texts,
    vocabSize: number,
    options: TokenizeOptions,
    position: number,
    text: string,
  ): Promise<CheckedRow> {
    try {
      const row = this.sheet.parse(position, text);
      const { ids, labels, length } = await this.#encodeOne(texts, vocabSize, row, options);
      return {
        tokens: ids.length,
        trainedTokens: trainedIn(labels),
        cutTokens: length - ids.length,
        problem: null,
      };
    } catch (error) {
      const problem = problemOf(error, this.sheet.line(position), this.parsed.name);
      return { tokens: 0, trainedTokens: 0, cutTokens: 0, problem };
    }
  }

  /** The next position from `from` on whose row holds `query`, round the end; and how many rows do. */
  find(query: string, from: number, direction: 1 | -1): { position: number | null; matches: number } {
    const of = JSON.stringify([query, this.sheet.version]);
    if (this.#matches?.of !== of) {
      const holds = textMatcher(query);
      const positions: number[] = [];
      for (let position = 0; position < this.sheet.length; position++) {
        const row = this.sheet.row(position);
        if (holds(row ? row.value : this.sheet.text(position))) positions.push(position);
      }
      this.#matches = { of, positions };
    }
    const { positions } = this.#matches;
    const next =
      direction > 0
        ? (positions.find((position) => position >= from) ?? positions[0])
        : (positions.findLast((position) => position <= from) ?? positions.at(-1));
    return { position: next ?? null, matches: positions.length };
  }

  /** The rows that are left in as a JSONL file. */
  changedFile(): File {
    const name = this.parsed.name
      .split('/')
      .at(-1)!
      .replace(/\.[^.]+$/, '');
    return new File(this.sheet.toJsonl(this.#mapping), `${name}-changed.jsonl`, {
      type: 'application/jsonl',
    });
  }

  /** Fields that nothing reads and what it says of answers; without a model's template, which may read more. */
  #facts(chatTemplate: string | null): DataFacts {
    const format = this.#mapping ?? this.#detected;
    return format === null
      ? { preference: null, unused: [] }
      : dataFacts(this.parsed.rows, format, chatTemplate);
  }

  get #format(): RowFormat {
    const format = this.#mapping ?? this.#detected;
    if (format === null) throw new GraftError('data.columns_not_chosen', { file: this.parsed.name });
    return format;
  }

  #detect(): DataFormat | null {
    try {
      return detectFormat(this.parsed.rows, this.parsed.name);
    } catch (error) {
      // A table whose columns have other names can be read when a person says what they are.
      const mayBeText = this.#columns.some(({ sample }) => /\p{L}/u.test(sample));
      if (error instanceof GraftError && error.code === 'data.unknown_format' && mayBeText) return null;
      throw error;
    }
  }

  async #encodeOne(texts: Texts, vocabSize: number, row: Row, options: TokenizeOptions) {
    const { reading, maxLength } = options;
    const now = this.#known?.now ?? new Date();
    const request = { ...reading, format: this.#format, maxLength, vocabSize, now, name: this.parsed.name };
    const one = await encode(texts, { ...request, rows: [row] }, () => undefined);
    const problem = one.problems[0];
    if (problem) throw new GraftError(problem.code, problem.params);
    return { ids: one.ids, labels: one.labels, length: one.lengths[0]! };
  }

  #tokenizedAt(row: Row): number {
    const known = this.#tokens && this.#known;
    return known ? known.dataset.sources.findIndex((source) => known.rows[source] === row) : -1;
  }

  #codesOf(row: Row): FindingCode[] {
    const at = this.#lintedRows.indexOf(row);
    return at < 0 ? [] : this.#findings.filter(({ rows }) => rows.includes(at)).map(({ code }) => code);
  }

  #problemOf(position: number, row: Row | null): RowProblem | null {
    if (!row) return this.#listed(this.sheet.unreadable(position)!);
    const found = this.#known?.dataset.problems.find(
      (problem) => problem.row !== undefined && this.#known!.rows[problem.row] === row,
    );
    return found ? this.#listed(found) : null;
  }

  #unreadable(): { listed: RowProblem[]; count: number } {
    const { problems, problemCount } = this.parsed;
    const settled = new Set<Problem>();
    const positions = new Map<Problem, number>();
    for (let position = 0; position < this.sheet.length; position++) {
      const problem = this.sheet.fileProblem(position);
      if (!problem) continue;
      if (this.sheet.isExcluded(position) || this.sheet.isEdited(position)) settled.add(problem);
      positions.set(problem, position);
    }
    const open = problems.filter((problem) => !settled.has(problem));
    const listed = open
      .slice(0, LISTED_PROBLEMS)
      .map((problem) => ({ ...strip(problem), position: positions.get(problem) ?? null }));
    return { listed, count: problemCount - settled.size };
  }

  #listed(problem: Problem): RowProblem {
    const row = problem.row === undefined ? undefined : this.#known?.rows[problem.row];
    return { ...strip(problem), position: row ? this.sheet.positionOf(row) : null };
  }
}

function strip({ line, code, params }: Problem): Omit<RowProblem, 'position'> {
  return { line, code, params };
}

const NONE: TokenizedDataset = tokenizeRows(
  { name: '', rows: [] },
  { format: 'tokenized', tokenizer: null, maxLength: 1, vocabSize: 1 },
);

/** Tokens of rows. Rows of tokens run no program of the model. */
function encode(
  texts: Texts,
  request: Parameters<Texts['tokenize']>[0],
  onProgress: (done: number, total: number) => void,
): TokenizedDataset | Promise<TokenizedDataset> {
  const { name, rows, ...options } = request;
  return options.format === 'tokenized' || !texts.hasTokenizer
    ? tokenizeRows({ name, rows }, { ...options, tokenizer: null, onProgress })
    : texts.tokenize(request, onProgress);
}

function trainedIn(labels: Int32Array): number {
  return labels.reduce((count, label, at) => count + (at > 0 && label >= 0 ? 1 : 0), 0);
}

function problemOf(error: unknown, line: number, file: string): RowProblem {
  if (!(error instanceof GraftError)) throw error;
  return { line, code: error.code, params: { file, line, ...error.params }, position: null };
}

function brief(text: string): string {
  return text.length > 400 ? `${text.slice(0, 400)}…` : text;
}

/** The pieces of one or several rows up to the limit; where another row begins, its first piece says so. */
function shortened(rows: readonly (readonly PreviewPiece[])[]): PreviewPiece[] {
  const shown: PreviewPiece[] = [];
  let left = PREVIEW_CHARACTERS;
  for (const [turn, pieces] of rows.entries()) {
    for (const [i, piece] of pieces.entries()) {
      if (left <= 0) return shown;
      const { text } = piece;
      const begins = i === 0 && rows.length > 1 ? { turn: turn + 1 } : {};
      shown.push({ ...piece, ...begins, text: text.length > left ? `${text.slice(0, left)}…` : text });
      left -= text.length;
    }
  }
  return shown;
}
