import { GraftError, messageOf } from '../../base/lib/errors.ts';
import { readSchema } from './jsonSchema.ts';
import type { MetricName, MetricOptions } from './metrics.ts';

/** What is typed for metrics that need more than answers. */
export interface MetricTexts {
  /** Of `regex`, as in JavaScript. */
  pattern: string;
  /** Of `schema`: a JSON Schema as JSON. */
  schema: string;
}

/** Reads what the metrics need of what is typed. Throws `data.metric_option`, `data.schema_*`. */
export function readMetricOptions(metrics: readonly MetricName[], typed: MetricTexts): MetricOptions {
  return {
    ...(metrics.includes('regex') && { regex: readPattern(typed.pattern) }),
    ...(metrics.includes('schema') && { schema: readSchema(jsonOf(typed.schema)) }),
  };
}

function readPattern(pattern: string): RegExp {
  // An empty one is found everywhere.
  if (pattern === '') throw refusal('regex', 'there is no pattern');
  try {
    return new RegExp(pattern, 'u');
  } catch (error) {
    throw refusal('regex', `its pattern cannot be read: ${messageOf(error)}`);
  }
}

function jsonOf(text: string): unknown {
  if (text.trim() === '') throw refusal('schema', 'there is no schema');
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw refusal('schema', `its schema is no JSON: ${messageOf(error)}`);
  }
}

function refusal(metric: MetricName, detail: string): GraftError {
  return new GraftError('data.metric_option', { metric, detail });
}
