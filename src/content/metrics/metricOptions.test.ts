import { describe, expect, it } from 'vitest';
import { expectGraftError } from '../../testing/errors.ts';
import { readMetricOptions, readShots } from './metricOptions.ts';

const read = (pattern: string, schema: string) =>
  readMetricOptions(['regex', 'schema'], { pattern, schema, tolerance: 'x' });

describe('what is typed for metrics', () => {
  it('is read where a metric needs it', () => {
    expect(read('\\d+', '{"type": "object"}')).toEqual({ regex: /\d+/u, schema: { type: 'object' } });
    expect(readMetricOptions(['exact'], { pattern: '(', schema: '{', tolerance: 'x' })).toEqual({});
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

  it.each([
    ['', 0],
    [' 0.05 ', 0.05],
    ['1e-3', 0.001],
  ])('a tolerance of %j is %d', (tolerance, expected) => {
    expect(readMetricOptions(['number'], { pattern: '', schema: '', tolerance })).toEqual({
      tolerance: expected,
    });
  });

  it.each(['-1', 'a little', '1e999'])('a tolerance of %j is refused', async (tolerance) => {
    const typed = { pattern: '', schema: '', tolerance };
    await expectGraftError(async () => readMetricOptions(['number'], typed), 'data.metric_option', {
      metric: 'number',
    });
  });

  it('examples are counted', async () => {
    expect(['', '5'].map(readShots)).toEqual([0, 5]);
    for (const typed of ['-1', '1.5', 'few'])
      await expectGraftError(async () => readShots(typed), 'data.metric_option', { metric: 'choice' });
  });
});
