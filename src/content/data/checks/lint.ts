import { ownFormat, type RowFormat } from '../rows/formats.ts';
import { looseTextFlags, rowFacts, type RowFacts, type TextFlag } from './lintText.ts';
import { templateFindings } from './lintEnds.ts';
import { pairFindings } from './lintPairs.ts';
import { tokenFindings } from './lintTokens.ts';
import { preferenceOf } from '../rows/preference.ts';
import type { Row } from '../files/row.ts';
import type { TokenizedDataset } from '../tokens/tokenizedDataset.ts';
import type { Finding, FindingCode, LintInput } from './finding.ts';

const severities: Record<FindingCode, Finding['severity']> = {
  emptyAnswer: 'error',
  leak: 'error',
  equalPair: 'error',
  inValidation: 'error',
  endUntrained: 'error',
  padIsEos: 'error',
  secret: 'warning',
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
  endsWithPrompt: 'warning',
  personal: 'hint',
  contradiction: 'hint',
  alreadyRendered: 'hint',
  controlCharacter: 'hint',
  nearDuplicate: 'hint',
  otherScript: 'hint',
  otherLanguage: 'hint',
  shortAnswer: 'hint',
  longAnswer: 'hint',
  lengthBias: 'hint',
  outlier: 'hint',
  endsDiffer: 'hint',
};

/** What only matters where the answers of rows are trained on, not where the model answers by itself. */
const ofTrainedAnswers: readonly FindingCode[] = [
  'emptyAnswer',
  'endUntrained',
  'padIsEos',
  'answerCut',
  'preference',
  'endIsText',
  'endsWithPrompt',
  'shortAnswer',
  'longAnswer',
  'endsDiffer',
];

/** In rows that are mostly of one script or language, others are reported up to this share. */
const MAX_RARE_SHARE = 0.05;
/** Minimum number of rows for a typical script, language or length. */
const MIN_ROWS = 20;

/**
 * Caches facts about rows by content, so that after an edit only that row is read again. Use one instance per data file
 * and way to read it.
 */
export class Linter {
  readonly #facts = new WeakMap<Row, RowFacts>();

  /** Findings for the rows, the most severe first. Linear in the text: a second or two for 100,000 rows. */
  lint(input: LintInput): Finding[] {
    const { rows, format, tokens, evaluation, validation } = input;
    const factsOf = (row: Row, own: RowFormat): RowFacts => {
      let known = this.#facts.get(row);
      if (!known) this.#facts.set(row, (known = rowFacts(row, own)));
      return known;
    };
    const facts = rows.map((row) => factsOf(row, format));
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
      const at = facts.flatMap((fact, row) => (fact.flags.includes(flag) ? [row] : []));
      add(flag, at, examplesOf(flag, facts));
    }
    add('contradiction', contradictions(facts));
    addRare('otherScript', 'script', facts, add);
    addRare('otherLanguage', 'language', facts, add);
    addAnswerLengths(facts, add);
    if (validation) {
      const prompts = new Set(validation.rows.map((row) => factsOf(row, validation.format).prompt));
      const both = facts.flatMap(({ prompt }, at) => (prompt !== null && prompts.has(prompt) ? [at] : []));
      add('inValidation', both);
    }
    for (const { code, params } of templateFindings(input)) found.set(code, { rows: [], params });
    if (tokens) {
      add('preference', preferenceRows(input, tokens));
      for (const { code, rows: at, params } of pairFindings(tokens, MIN_ROWS)) add(code, at, params);
      addLeaks(facts, tokens, evaluation, add);
      for (const finding of tokenFindings(input, tokens, MIN_ROWS)) {
        add(finding.code, finding.rows, finding.params);
      }
    }
    if (tokens?.references) for (const code of ofTrainedAnswers) found.delete(code);
    return (Object.keys(severities) as FindingCode[]).flatMap((code) => {
      const finding = found.get(code);
      return finding ? [{ code, severity: severities[code], ...finding }] : [];
    });
  }
}

/** Rows of preference data of which only the better answers are trained on. */
function preferenceRows({ rows, format }: LintInput, { sources, preference }: TokenizedDataset): number[] {
  if (typeof format === 'object' || preference) return [];
  return [...new Set(sources)].filter(
    (at) => preferenceOf(rows[at]!.value, ownFormat(rows[at]!.value, format)) !== null,
  );
}

/** Indices of values that occurred before; nulls are ignored. */
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

/** Evaluation rows whose prompt is also trained on: their loss does not measure unseen data. */
function addLeaks(
  facts: readonly RowFacts[],
  { sources }: TokenizedDataset,
  evaluation: readonly number[],
  add: Add,
): void {
  const heldOut = new Set(evaluation.map((at) => sources[at]!));
  const trained = new Set<number>();
  for (const source of sources) {
    const key = facts[source]!.prompt;
    if (!heldOut.has(source) && key !== null) trained.add(key);
  }
  const leaks = [...heldOut].filter((source) => {
    const key = facts[source]!.prompt;
    return key !== null && trained.has(key);
  });
  add(
    'leak',
    leaks.sort((a, b) => a - b),
  );
}

/** How many masked secrets are shown of a finding. */
const MAX_EXAMPLES = 3;

/** The first secrets of the rows, masked, where those are what a flag is about. */
function examplesOf(flag: TextFlag, facts: readonly RowFacts[]): Finding['params'] {
  if (flag !== 'secret' && flag !== 'personal') return {};
  const all = new Set(facts.flatMap((fact) => (flag === 'secret' ? fact.secrets : fact.personal)));
  return { examples: [...all].slice(0, MAX_EXAMPLES).join(', ') };
}

/** The first row of each answer to a prompt that has several. */
function contradictions(facts: readonly RowFacts[]): number[] {
  const answers = new Map<number, Map<number | null, number>>();
  facts.forEach(({ asked, answer }, at) => {
    if (asked === null) return;
    const known = answers.get(asked) ?? new Map<number | null, number>();
    if (!known.has(answer)) known.set(answer, at);
    answers.set(asked, known);
  });
  const several = [...answers.values()].filter((known) => known.size > 1);
  return several.flatMap((known) => [...known.values()]).sort((a, b) => a - b);
}

/** A few rows in another script or language than nearly all others. */
function addRare(code: FindingCode, key: 'script' | 'language', facts: readonly RowFacts[], add: Add): void {
  const counts = new Map<string, number>();
  for (const { [key]: value } of facts) if (value) counts.set(value, (counts.get(value) ?? 0) + 1);
  const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const usual = [...counts].sort((a, b) => b[1] - a[1])[0];
  if (!usual || all < MIN_ROWS || usual[1] < all * (1 - MAX_RARE_SHARE)) return;
  const others = facts.flatMap(({ [key]: value }, at) => (value && value !== usual[0] ? [at] : []));
  add(code, others, { [key]: usual[0] });
}

/** Answers this many times shorter or longer than the median are odd; long ones from so many characters on. */
const [ODD_LENGTH, LONG_ANSWER] = [20, 2000];

function addAnswerLengths(facts: readonly RowFacts[], add: Add): void {
  const lengths = facts.flatMap(({ answerLength }) => (answerLength > 0 ? [answerLength] : []));
  if (lengths.length < MIN_ROWS) return;
  const median = lengths.toSorted((a, b) => a - b)[lengths.length >> 1]!;
  const rows = (isOdd: (length: number) => boolean) =>
    facts.flatMap(({ answerLength }, at) => (answerLength > 0 && isOdd(answerLength) ? [at] : []));
  add(
    'shortAnswer',
    rows((length) => length * ODD_LENGTH < median),
    { median },
  );
  add(
    'longAnswer',
    rows((length) => length > ODD_LENGTH * median && length > LONG_ANSWER),
    { median },
  );
}
