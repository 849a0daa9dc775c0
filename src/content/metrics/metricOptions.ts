import { GraftError, messageOf } from '../../base/lib/errors.ts';
import { readSchema } from './jsonSchema.ts';
import type { MetricName, MetricOptions } from './metrics.ts';

/** What is typed for metrics that need more than answers. */
export interface MetricTexts {
  /** Of `regex`, as in JavaScript. */
  pattern: string;
  /** Of `schema`: a JSON Schema as JSON. */
  schema: string;
  /** Of `number`: how far apart the numbers may be; nothing is 0. */
  tolerance: string;
}

/** Reads what the metrics need of what is typed. Throws `data.metric_option`, `data.schema_*`. */
export function readMetricOptions(metrics: readonly MetricName[], typed: MetricTexts): MetricOptions {
  return {
    ...(metrics.includes('regex') && { regex: readPattern(typed.pattern) }),
    ...(metrics.includes('number') && { tolerance: readTolerance(typed.tolerance) }),
    ...(metrics.includes('schema') && { schema: readSchema(jsonOf(typed.schema)) }),
  };
}

/** Reads how many examples come before each multiple-choice question; nothing is none. Throws `data.metric_option`. */
export function readShots(typed: string): number {
  const shots = Number(typed);
  if (!Number.isSafeInteger(shots) || shots < 0)
    throw refusal('choice', 'its number of examples is no whole number from 0');
  return shots;
}

function readTolerance(typed: string): number {
  const tolerance = Number(typed);
  if (!Number.isFinite(tolerance) || tolerance < 0)
    throw refusal('number', 'its tolerance is no number from 0');
  return tolerance;
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
