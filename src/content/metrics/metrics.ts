import { containsExpected, exactMatch } from './exact.ts';
import { chrf } from './chrf.ts';
import { fitsSchema, type JsonSchema } from './jsonSchema.ts';
import { numberMatch } from './numbers.ts';
import { rougeL } from './rougeL.ts';

/** Metrics of the targets of rows, of generated answers, and of choices, in the order of reports. */
export const metricNames = [
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
] as const;
export type MetricName = (typeof metricNames)[number];

/** Metrics of generated answers. */
export type AnswerMetric = Exclude<MetricName, 'loss' | 'perplexity' | 'choice'>;

/** What metrics need beside answers. */
export interface MetricOptions {
  /** Of `number`: how far apart numbers may be. */
  tolerance?: number;
  /** Of `regex`: found somewhere in the answer. */
  regex?: RegExp | null;
  /** Of `schema`. */
  schema?: JsonSchema | null;
}

/** Metrics that need the expected answer of a row. */
const COMPARING: ReadonlySet<MetricName> = new Set(['exact', 'contains', 'number', 'rouge-l', 'chrf']);

/** Whether a metric is of generated answers. */
export function isAnswerMetric(name: MetricName): name is AnswerMetric {
  return name !== 'loss' && name !== 'perplexity' && name !== 'choice';
}

/** Whether a metric needs the expected answer of a row. */
export function needsExpected(name: MetricName): boolean {
  return COMPARING.has(name);
}

/** The score of an answer: 0 … 1, chrF 0 … 100. */
export function scoreAnswer(
  name: AnswerMetric,
  answer: string,
  expected: string,
  { tolerance = 0, regex = null, schema = null }: MetricOptions,
): number {
  switch (name) {
    case 'exact':
      return exactMatch(answer, expected);
    case 'contains':
      return containsExpected(answer, expected);
    case 'regex':
      return Number(regex?.test(answer) ?? false);
    case 'number':
      return numberMatch(answer, expected, tolerance);
    case 'json':
      return Number(jsonOf(answer) !== undefined);
    case 'schema': {
      const value = jsonOf(answer);
      return Number(value !== undefined && schema !== null && fitsSchema(value, schema));
    }
    case 'rouge-l':
      return rougeL(answer, expected);
    case 'chrf':
      return chrf(answer, expected);
  }
}

/** The JSON value that an answer is, all of it; undefined where it is none. */
function jsonOf(answer: string): unknown {
  try {
    return JSON.parse(answer) as unknown;
  } catch {
    return undefined;
  }
}
