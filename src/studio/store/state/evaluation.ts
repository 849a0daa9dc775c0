import type { RowProblem } from '../../../hosts/browser/dataProtocol.ts';
import type {
  EvaluationReport,
  EvaluationStep,
  MetricName,
  MetricTexts,
  Pair,
  Vote,
} from '../../../hosts/browser/protocol.ts';
import type { ChatAuthor } from '../../../hosts/browser/projectsProtocol.ts';
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
  /** As typed: examples before each multiple-choice question of the file. */
  shots: string;
  metrics: readonly PageMetric[];
  status: 'idle' | 'reading' | 'running' | 'stopping';
  /** How far it is; null before the first row. */
  step: EvaluationStep | null;
  /** What is scored, the base first. */
  authors: readonly ChatAuthor[];
  report: EvaluationReport | null;
  /** What the user preferred, of all evaluations of the project. */
  votes: readonly Vote[];
  /** The systems that are voted on; null where nobody votes. */
  voting: Pair | null;
  /** Rows that could not be asked. */
  problems: readonly RowProblem[];
  error: ErrorNote | null;
}

export interface EvaluationSlice {
  evaluation: EvaluationState;
  setMetrics(metrics: readonly PageMetric[]): void;
  setEvaluation(
    changes: Partial<Pick<EvaluationState, 'source' | 'file' | 'pattern' | 'schema' | 'tolerance' | 'shots'>>,
  ): void;
  /** Scores the rows with the base, and with what answers in the chat beside it. */
  runEvaluation(): Promise<void>;
  stopEvaluation(): Promise<void>;
  /** Shows answers of two systems without their names; null ends it. */
  setVoting(pair: Pair | null): void;
  /** Votes on the row that is shown, by the side, and shows the next. */
  vote(side: 'a' | 'b' | 'tie'): void;
  /** Takes back the last vote on the pair. */
  unvote(): void;
}

export const emptyEvaluation: EvaluationState = {
  source: 'heldOut',
  file: null,
  pattern: '',
  schema: '',
  tolerance: '0',
  shots: '0',
  metrics: ['loss', 'perplexity', 'exact', 'contains', 'rouge-l', 'chrf', 'choice'],
  status: 'idle',
  step: null,
  authors: [],
  report: null,
  votes: [],
  voting: null,
  problems: [],
  error: null,
};
