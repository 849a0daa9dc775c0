import { ownFormat, type RowFormat } from './formats.ts';
import { looseTextFlags, rowFacts, type RowFacts } from './lintText.ts';
import { templateFindings } from './lintEnds.ts';
import { tokenFindings } from './lintTokens.ts';
import { preferenceOf } from './preference.ts';
import type { Row } from './row.ts';
import type { NoteCode } from './rowNotes.ts';
import type { TokenizedDataset } from './tokenize.ts';

/** What may be wrong with rows that can be trained on. */
export type FindingCode =
  | 'duplicate'
  | 'nearDuplicate'
  | 'emptyAnswer'
  | 'leak'
  | 'endUntrained'
  | 'endsDiffer'
  | 'endIsText'
  | 'padIsEos'
  | 'answerCut'
  | 'roleOrder'
  | 'replacementCharacter'
  | 'mojibake'
  | 'controlCharacter'
  | 'otherScript'
  | 'outlier'
  | 'preference'
  | 'turnsSkipped'
  | NoteCode;

/** One thing that is wrong, and where. */
export interface Finding {
  code: FindingCode;
  /** Errors spoil what is trained, warnings probably do, hints may be meant. */
  severity: 'error' | 'warning' | 'hint';
  /** Indices among the rows that were looked at; all of them, in order. None where it is about the model. */
  rows: number[];
  /** For the text: the end token, the usual length, the usual script. */
  params: Record<string, string | number>;
}

/** What a tokenizer says about the ends of texts. */
export interface EndTokens {
  eosIds: readonly number[];
  /** All special tokens: templates end turns with others than EOS. */
  specialIds: readonly number[];
  padId: number | null;
  /** EOS as text. */
  eos: string;
  /** How the chat template ends turns; absent where that is not known. */
  template?: {
    endIds: readonly number[];
    /** The same as text. */
    ends: readonly string[];
    /** The text that ends turns where it is no token of its own. */
    text: string | null;
  };
  /** Tokens of white space that may stand behind an end. Without them one token may, whatever it is. */
  blankIds?: readonly number[];
}

export interface LintInput {
  rows: readonly Row[];
  format: RowFormat;
  /** Their tokens, where there is a model; `sources` are indices among `rows`. */
  tokens: TokenizedDataset | null;
  maxLength: number;
  ends: EndTokens | null;
  /** Indices among the tokenized rows that are kept for evaluation. */
  evaluation: readonly number[];
}

const severities: Record<FindingCode, Finding['severity']> = {
  emptyAnswer: 'error',
  leak: 'error',
  endUntrained: 'error',
  padIsEos: 'error',
  replacementCharacter: 'warning',
  mojibake: 'warning',
  answerCut: 'warning',
  preference: 'warning',
  turnsSkipped: 'warning',
  thoughtsDropped: 'warning',
  literalTokens: 'warning',
  messageRewritten: 'warning',
  endIsText: 'warning',
  duplicate: 'warning',
  roleOrder: 'warning',
  alreadyRendered: 'hint',
  controlCharacter: 'hint',
  nearDuplicate: 'hint',
  otherScript: 'hint',
  outlier: 'hint',
  endsDiffer: 'hint',
};

/** Of rows that are mostly of one script, those of others are worth a look up to this share. */
const RARE_SCRIPT = 0.05;
/** Fewer rows have no usual script or length. */
const ENOUGH_ROWS = 20;

/**
 * Keeps what is known of rows by their content, so that after an edit only that row is read again. One for a data file
 * and a way to read it.
 */
export class Linter {
  readonly #facts = new WeakMap<Row, RowFacts>();

  /** What may be wrong with the rows, the worst first. Linear in their text: a second or two for 100,000 rows. */
  lint(input: LintInput): Finding[] {
    const { rows, format, tokens, evaluation } = input;
    const facts = rows.map((row) => {
      let known = this.#facts.get(row);
      if (!known) this.#facts.set(row, (known = rowFacts(row, format)));
      return known;
    });
    const found = new Map<FindingCode, { rows: number[]; params: Finding['params'] }>();
    const add = (code: FindingCode, at: number[], params: Finding['params'] = {}) => {
      if (at.length > 0) found.set(code, { rows: at, params });
    };

    const copies = laterCopies(facts.map(({ exact }) => exact));
    add('duplicate', copies);
    const exact = new Set(copies);
    add(
      'nearDuplicate',
      laterCopies(facts.map(({ loose }) => loose)).filter((at) => !exact.has(at)),
    );
    for (const flag of looseTextFlags) {
      add(
        flag,
        facts.flatMap((fact, at) => (fact.flags.includes(flag) ? [at] : [])),
      );
    }
    addScripts(facts, add);
    for (const { code, params } of templateFindings(input)) found.set(code, { rows: [], params });
    if (tokens) {
      add('preference', preferenceRows(input, tokens));
      addLeaks(facts, tokens, evaluation, add);
      for (const finding of tokenFindings(input, tokens, ENOUGH_ROWS)) {
        add(finding.code, finding.rows, finding.params);
      }
    }
    return (Object.keys(severities) as FindingCode[]).flatMap((code) => {
      const finding = found.get(code);
      return finding ? [{ code, severity: severities[code], ...finding }] : [];
    });
  }
}

/** Rows of preference data that are trained on all the same: on their better answers. */
function preferenceRows({ rows, format }: LintInput, { sources }: TokenizedDataset): number[] {
  if (typeof format === 'object') return [];
  return [...new Set(sources)].filter(
    (at) => preferenceOf(rows[at]!.value, ownFormat(rows[at]!.value, format)) !== null,
  );
}

/** Indices of values that were there before; null counts for nothing. */
function laterCopies(keys: readonly (number | null)[]): number[] {
  const seen = new Set<number>();
  return keys.flatMap((key, at) => {
    if (key === null) return [];
    if (seen.has(key)) return [at];
    seen.add(key);
    return [];
  });
}

type Add = (code: FindingCode, at: number[], params?: Finding['params']) => void;

/** Rows kept for evaluation whose prompt is trained on too: their loss says nothing about unseen data. */
function addLeaks(
  facts: readonly RowFacts[],
  { sources }: TokenizedDataset,
  evaluation: readonly number[],
  add: Add,
): void {
  const kept = new Set(evaluation.map((at) => sources[at]!));
  const trained = new Set<number>();
  for (const source of sources) {
    const key = facts[source]!.prompt;
    if (!kept.has(source) && key !== null) trained.add(key);
  }
  const leaks = [...kept].filter((source) => {
    const key = facts[source]!.prompt;
    return key !== null && trained.has(key);
  });
  add(
    'leak',
    leaks.sort((a, b) => a - b),
  );
}

/** A few rows in another script than nearly all others. */
function addScripts(facts: readonly RowFacts[], add: Add): void {
  const counts = new Map<string, number>();
  for (const { script } of facts) if (script) counts.set(script, (counts.get(script) ?? 0) + 1);
  const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const usual = [...counts].sort((a, b) => b[1] - a[1])[0];
  if (!usual || all < ENOUGH_ROWS || usual[1] < all * (1 - RARE_SCRIPT)) return;
  const others = facts.flatMap(({ script }, at) => (script && script !== usual[0] ? [at] : []));
  add('otherScript', others, { script: usual[0] });
}
