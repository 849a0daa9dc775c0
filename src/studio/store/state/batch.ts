import type { PromptList, RowProblem } from '../../../hosts/browser/dataProtocol.ts';
import type { ChatAnswer, ChatAuthor } from '../../../hosts/browser/projectsProtocol.ts';
import type { ErrorNote } from '../errorNote.ts';
import type { Side } from './tryout.ts';

/** One side's answer to a prompt of the batch. */
export type BatchAnswer =
  { kind: 'answer'; answer: ChatAnswer } | { kind: 'failed'; error: ErrorNote } | null;

export interface BatchRow {
  prompt: PromptList['prompts'][number];
  answers: Record<Side, BatchAnswer>;
  /** Sides whose answer was added to the data. */
  added: readonly Side[];
}

export type BatchSource = 'heldOut' | 'pasted';

export interface BatchState {
  source: BatchSource;
  pasted: string;
  rows: readonly BatchRow[];
  /** Rows that ask nothing. */
  skipped: number;
  problems: readonly RowProblem[];
  status: 'idle' | 'reading' | 'running';
  /** What answers, by its name when the batch began; null before. */
  authors: Partial<Record<Side, ChatAuthor>> | null;
  /** Mean seconds of a row so far; null before the first. */
  secondsPerRow: number | null;
  error: ErrorNote | null;
}

export interface BatchSlice {
  batch: BatchState;
  setBatch(changes: Partial<Pick<BatchState, 'source' | 'pasted'>>): void;
  /** Reads the prompts and answers them from the first. */
  runBatch(): Promise<void>;
  /** Answers the prompts that have no answer yet. */
  resumeBatch(): Promise<void>;
  stopBatch(): Promise<void>;
  /** Adds a prompt with a side's answer to the data, as a row. */
  addBatchAnswer(row: number, side: Side): Promise<void>;
}

export const emptyBatch: BatchState = {
  source: 'heldOut',
  pasted: '',
  rows: [],
  skipped: 0,
  problems: [],
  status: 'idle',
  authors: null,
  secondsPerRow: null,
  error: null,
};
