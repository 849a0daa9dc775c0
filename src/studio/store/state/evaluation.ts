import type { RowProblem } from '../../../hosts/browser/dataProtocol.ts';
import type { EvaluationOutcome, EvaluationStep, MetricName } from '../../../hosts/browser/protocol.ts';
import type { ChatAuthor } from '../../../hosts/browser/projectsProtocol.ts';
import type { ErrorNote } from '../errorNote.ts';

/** Metrics that need nothing to be typed, in the order of the report. */
export const pageMetrics = [
  'loss',
  'perplexity',
  'exact',
  'contains',
  'number',
  'json',
  'rouge-l',
  'chrf',
] as const satisfies readonly MetricName[];
export type PageMetric = (typeof pageMetrics)[number];

export interface EvaluationState {
  metrics: readonly PageMetric[];
  status: 'idle' | 'reading' | 'running' | 'stopping';
  /** How far it is; null before the first row. */
  step: EvaluationStep | null;
  /** What is scored, the base first. */
  authors: readonly ChatAuthor[];
  outcome: EvaluationOutcome | null;
  /** Rows that could not be asked. */
  problems: readonly RowProblem[];
  error: ErrorNote | null;
}

export interface EvaluationSlice {
  evaluation: EvaluationState;
  setMetrics(metrics: readonly PageMetric[]): void;
  /** Scores the held-out rows with the base, and with what answers in the chat beside it. */
  runEvaluation(): Promise<void>;
  stopEvaluation(): Promise<void>;
}

export const emptyEvaluation: EvaluationState = {
  metrics: ['loss', 'perplexity', 'exact', 'contains', 'rouge-l', 'chrf'],
  status: 'idle',
  step: null,
  authors: [],
  outcome: null,
  problems: [],
  error: null,
};
