import type { RowProblem } from '../../../hosts/browser/dataProtocol.ts';
import type { EvaluationOutcome, EvaluationStep, MetricName } from '../../../hosts/browser/protocol.ts';
import type { ChatAuthor } from '../../../hosts/browser/projectsProtocol.ts';
import type { MetricTexts } from '../../../hosts/browser/protocol.ts';
import type { ErrorNote } from '../errorNote.ts';

/** Metrics in the order of the report. */
export const pageMetrics = [
  'loss',
  'perplexity',
  'exact',
  'contains',
  'regex',
  'number',
  'json',
  'schema',
  'rouge-l',
  'chrf',
  'choice',
] as const satisfies readonly MetricName[];
export type PageMetric = (typeof pageMetrics)[number];

/** Rows held out from the data, or those of a file of its own. */
export type EvaluationSource = 'heldOut' | 'file';

export interface EvaluationState extends MetricTexts {
  source: EvaluationSource;
  file: File | null;
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
  setEvaluation(changes: Partial<Pick<EvaluationState, 'source' | 'file' | 'pattern' | 'schema'>>): void;
  /** Scores the rows with the base, and with what answers in the chat beside it. */
  runEvaluation(): Promise<void>;
  stopEvaluation(): Promise<void>;
}

export const emptyEvaluation: EvaluationState = {
  source: 'heldOut',
  file: null,
  pattern: '',
  schema: '',
  metrics: ['loss', 'perplexity', 'exact', 'contains', 'rouge-l', 'chrf', 'choice'],
  status: 'idle',
  step: null,
  authors: [],
  outcome: null,
  problems: [],
  error: null,
};
