import { describe, expect, it } from 'vitest';
import { expectGraftError } from '../../testing/errors.ts';
import { meanOf, pairedDifference } from './bootstrap.ts';
import { chrf } from './chrf.ts';
import { containsExpected, exactMatch, normalizedAnswer } from './exact.ts';
import { fitsSchema, readSchema } from './jsonSchema.ts';
import { isAnswerMetric, metricNames, scoreAnswer } from './metrics.ts';
import { lastNumber, numberMatch } from './numbers.ts';
import { rougeL } from './rougeL.ts';

describe('exact match', () => {
  it('is that of SQuAD', () => {
    expect(normalizedAnswer('  The Cat’s\tan  “owl”, a U.S. theme-park! ')).toBe('cat’s “owl” us themepark');
    expect(exactMatch('the red Fox.', 'Red fox')).toBe(1);
    expect(exactMatch('red foxes', 'red fox')).toBe(0);
    expect(exactMatch('', 'a')).toBe(1);
    expect(containsExpected('It is the Red, fox!', 'red fox')).toBe(1);
    expect(containsExpected('red', 'red fox')).toBe(0);
  });
});

describe('numbers', () => {
  it.each([
    ['so it is 12', 12],
    ['1,234,567.5 in all', 1234567.5],
    ['first 3, then −4', -4],
    ['between 1,2', 2],
    ['.5', 0.5],
    ['2e3', 2000],
    ['none', null],
    ['1e999', null],
  ])('the last of “%s” is %s', (text, value) => {
    expect(lastNumber(text)).toBe(value);
  });

  it('match within a tolerance', () => {
    expect(numberMatch('about 3.14', 'pi is 3.14159', 0.01)).toBe(1);
    expect(numberMatch('about 3.14', 'pi is 3.14159', 0.001)).toBe(0);
    expect(numberMatch('0.3', `${0.1 + 0.2}`, 0)).toBe(1);
    expect(numberMatch('none', '3', 1)).toBe(0);
    expect(numberMatch('3', 'none', 1)).toBe(0);
  });
});

// Figures of rouge_score 0.1.2 and sacrebleu 2.5; many more in e2e/interop.
describe('overlap', () => {
  it('ROUGE-L is the F1 of the longest common subsequence of words', () => {
    expect(
      rougeL('the quick brown dog jumps on the log', 'The quick brown fox jumps over the lazy dog.'),
    ).toBeCloseTo((2 * ((5 / 8) * (5 / 9))) / (5 / 8 + 5 / 9), 12);
    expect(rougeL('', 'a')).toBe(0);
    expect(rougeL('水', '水')).toBe(0);
    expect(rougeL('same words', 'same words')).toBe(1);
  });

  it('chrF leaves white space out, and is 100 for the same text', () => {
    expect(chrf('a b c', 'abc')).toBeCloseTo(100, 12);
    expect(chrf('水土', '水土')).toBeCloseTo(100, 12);
    expect(chrf('xyz', 'abc')).toBe(0);
    expect(chrf('', 'abc')).toBe(0);
    // One of two characters, no pair: precision and recall ½ over one length, 0 over the other.
    expect(chrf('ab', 'ac')).toBeCloseTo(25, 12);
  });
});

describe('a JSON schema', () => {
  const schema = readSchema({
    type: 'object',
    title: 'Pet',
    required: ['name'],
    properties: {
      name: { type: 'string', minLength: 2, pattern: '^[A-Z]' },
      age: { type: ['integer', 'null'], minimum: 0 },
      tags: { type: 'array', items: { enum: ['a', 'b', { c: 1 }] }, maxItems: 2, uniqueItems: true },
    },
    additionalProperties: false,
  });

  it.each([
    [{ name: 'Zip' }, true],
    [{ name: 'Zip', age: 3, tags: ['a', { c: 1 }] }, true],
    [{ name: 'Zip', age: null }, true],
    [{ age: 3 }, false],
    [{ name: 'Z' }, false],
    [{ name: 'zip' }, false],
    [{ name: 'Zip', age: 1.5 }, false],
    [{ name: 'Zip', tags: ['a', 'a'] }, false],
    [{ name: 'Zip', tags: ['x'] }, false],
    [{ name: 'Zip', more: 1 }, false],
    [[], false],
  ])('%j', (value, fits) => {
    expect(fitsSchema(value, schema)).toBe(fits);
  });

  it('combines schemas', () => {
    const one = readSchema({ oneOf: [{ minimum: 5 }, { multipleOf: 3 }], not: { const: 7 }, anyOf: [true] });
    expect([3, 5, 6, 7, 'text'].map((value) => fitsSchema(value, one))).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
    expect(fitsSchema({ x: 1 }, readSchema({ additionalProperties: { type: 'string' } }))).toBe(false);
    expect(fitsSchema(1, readSchema({ allOf: [{ type: 'number' }, false] }))).toBe(false);
  });

  it('with another keyword is refused by it, and one with a wrong value, too', async () => {
    const read = (value: unknown) => () => Promise.resolve(readSchema(value));
    await expectGraftError(read({ properties: { a: { $ref: '#/x' } } }), 'data.schema_keyword', {
      path: '#/properties/a',
      keyword: '$ref',
    });
    await expectGraftError(read({ anyOf: [{ minLength: -1 }] }), 'data.schema_value', {
      path: '#/anyOf/0',
      keyword: 'minLength',
    });
    await expectGraftError(read({ type: 'float' }), 'data.schema_value', { keyword: 'type' });
    await expectGraftError(read({ pattern: '(' }), 'data.schema_value', { keyword: 'pattern' });
    await expectGraftError(read({ allOf: [] }), 'data.schema_value', { keyword: 'allOf' });
    await expectGraftError(read([]), 'data.schema_value', { path: '#' });
  });
});

describe('scores of answers', () => {
  it('each metric has one', () => {
    const options = { tolerance: 0, regex: /\d{2}/u, schema: readSchema({ type: 'number' }) };
    const scores = metricNames
      .filter(isAnswerMetric)
      .map((name) => [name, scoreAnswer(name, '12', 'twelve 12', options)]);
    expect(Object.fromEntries(scores)).toEqual({
      exact: 0,
      contains: 0,
      regex: 1,
      number: 1,
      json: 1,
      schema: 1,
      'rouge-l': 2 / 3,
      chrf: chrf('12', 'twelve 12'),
    });
    expect(scoreAnswer('json', '{"a": }', '', {})).toBe(0);
    expect(scoreAnswer('json', 'null', '', {})).toBe(1);
  });
});

describe('the paired bootstrap', () => {
  const rows = (values: number[]) => values.map((value) => ({ value, weight: 1 }));
  it('has the difference of the means within an interval that the seed determines', () => {
    const base = rows(Array.from({ length: 200 }, (_, i) => Number(i % 4 === 0)));
    const tuned = rows(Array.from({ length: 200 }, (_, i) => Number(i % 4 !== 3)));
    const found = pairedDifference(base, tuned, { seed: 1 });
    expect(found.difference).toBeCloseTo(0.5, 12);
    // Of a difference of 0 or 1 in half of 200 rows: 1.96 · √(¼ / 200).
    expect(found.high - found.low).toBeGreaterThan(0.12);
    expect(found.high - found.low).toBeLessThan(0.16);
    expect(pairedDifference(base, tuned, { seed: 1 })).toEqual(found);
    expect(pairedDifference(base, tuned, { seed: 2 })).not.toEqual(found);
  });

  it('is pairwise: where each row differs as much, the interval is a point', () => {
    const base = rows([1, 5, 2, 8]);
    const { difference, low, high } = pairedDifference(base, rows([2, 6, 3, 9]));
    for (const value of [difference, low, high]) expect(value).toBeCloseTo(1, 12);
  });

  it('weighs rows, and shows means as asked', () => {
    const losses = [
      { value: 6, weight: 3 },
      { value: 1, weight: 1 },
    ];
    expect(meanOf(losses)).toBe(7 / 4);
    expect(meanOf(losses, Math.exp)).toBeCloseTo(Math.exp(7 / 4), 12);
    expect(meanOf([])).toBeNaN();
    expect(pairedDifference([], []).low).toBeNaN();
    const { difference } = pairedDifference(losses, [losses[0]!, { value: 2, weight: 1 }], { of: Math.exp });
    expect(difference).toBeCloseTo(Math.exp(2) - Math.exp(7 / 4), 12);
  });
});
