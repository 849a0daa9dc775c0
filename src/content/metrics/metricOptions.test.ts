import { describe, expect, it } from 'vitest';
import { expectGraftError } from '../../testing/errors.ts';
import { readMetricOptions } from './metricOptions.ts';

const read = (pattern: string, schema: string) => readMetricOptions(['regex', 'schema'], { pattern, schema });

describe('what is typed for metrics', () => {
  it('is read where a metric needs it', () => {
    expect(read('\\d+', '{"type": "object"}')).toEqual({ regex: /\d+/u, schema: { type: 'object' } });
    expect(readMetricOptions(['exact'], { pattern: '(', schema: '{' })).toEqual({});
  });

  it.each([
    ['', '{}', 'data.metric_option', { metric: 'regex', detail: 'there is no pattern' }],
    ['(', '{}', 'data.metric_option', { metric: 'regex' }],
    ['a', ' ', 'data.metric_option', { metric: 'schema', detail: 'there is no schema' }],
    ['a', '{', 'data.metric_option', { metric: 'schema' }],
    ['a', '{"$ref": "#"}', 'data.schema_keyword', { keyword: '$ref' }],
    ['a', '{"type": "text"}', 'data.schema_value', { keyword: 'type' }],
  ] as const)('%j and %j are refused', async (pattern, schema, code, params) => {
    await expectGraftError(async () => read(pattern, schema), code, params);
  });
});
