import type { Row } from '../files/row.ts';
import type { EndTokens } from '../labels/turnEnd.ts';
import type { RowFormat } from '../rows/formats.ts';
import type { TokenizedDataset } from '../tokens/tokenizedDataset.ts';
import type { NoteCode } from './rowNotes.ts';

/** What may be wrong with rows that can be trained on. */
export type FindingCode =
  | 'duplicate'
  | 'nearDuplicate'
  | 'emptyAnswer'
  | 'leak'
  | 'inValidation'
  | 'endUntrained'
  | 'endsDiffer'
  | 'endIsText'
  | 'padIsEos'
  | 'answerCut'
  | 'roleOrder'
  | 'replacementCharacter'
  | 'mojibake'
  | 'controlCharacter'
  | 'endsWithPrompt'
  | 'secret'
  | 'personal'
  | 'contradiction'
  | 'shortAnswer'
  | 'longAnswer'
  | 'otherScript'
  | 'otherLanguage'
  | 'outlier'
  | 'preference'
  | 'equalPair'
  | 'lengthBias'
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

export interface LintInput {
  rows: readonly Row[];
  format: RowFormat;
  /** Their tokens, where there is a model; `sources` are indices among `rows`. */
  tokens: TokenizedDataset | null;
  maxLength: number;
  ends: EndTokens | null;
  /** Indices among the tokenized rows that are kept for evaluation. */
  evaluation: readonly number[];
  /** The rows of a validation file; null or absent without one. */
  validation?: { rows: readonly Row[]; format: RowFormat } | null;
}
