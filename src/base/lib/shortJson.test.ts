import { describe, expect, it } from 'vitest';
import { shortJson } from './shortJson.ts';

describe('a value in a message', () => {
  it.each([
    null,
    true,
    -1.5,
    'a "b" \n',
    [],
    {},
    [1, [2, { a: [] }]],
    { a: 1, b: { c: null }, 'd e': 'f' },
    [[['x']]],
  ])('is its JSON: %j', (value) => {
    expect(shortJson(value)).toBe(JSON.stringify(value));
  });

  it('is cut off at a length, and says so', () => {
    expect(shortJson('x'.repeat(1000), 10)).toBe('"xxxxxxxxx…');
    expect(
      shortJson(
        Array.from({ length: 1e6 }, () => 1),
        5,
      ),
    ).toBe('[1,1,…');
    expect(shortJson({ ['k'.repeat(1e6)]: 1 }, 4)).toBe('{"kk…');
    expect(shortJson(undefined)).toBe('undefined');
    expect(shortJson(12n)).toBe('12');
  });

  it('is written whatever its nesting', () => {
    const depth = 500_000;
    const deep = JSON.parse('['.repeat(depth) + ']'.repeat(depth)) as unknown;
    expect(shortJson(deep)).toBe(`${'['.repeat(16)}…${']'.repeat(16)}`);
    expect(shortJson({ a: deep }, 4)).toBe('{"a"…');
  });
});
