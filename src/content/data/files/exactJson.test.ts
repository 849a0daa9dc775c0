import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { losesNumbers, parseJson, toJsonText } from './exactJson.ts';

/** The type of a value in Python, from the literal that made it. */
const kindOf = (value: unknown) =>
  typeof value === 'bigint'
    ? `int ${value}`
    : value instanceof Number
      ? `float ${Object.is(value.valueOf(), -0) ? '-0' : value.valueOf()}`
      : `js ${String(value)}`;

describe('numbers as written', () => {
  test.each([
    ['1', 'js 1'],
    ['-0', 'js 0'],
    ['1.0', 'float 1'],
    ['-0.0', 'float -0'],
    ['1e3', 'float 1000'],
    ['1E+3', 'float 1000'],
    ['12.50e1', 'float 125'],
    ['0.1', 'js 0.1'],
    ['1e-7', 'js 1e-7'],
    ['1e400', 'js Infinity'],
    ['9007199254740991', 'js 9007199254740991'],
    ['9007199254740993', 'int 9007199254740993'],
    ['-12345678901234567890', 'int -12345678901234567890'],
    ['1'.repeat(400), `int ${'1'.repeat(400)}`],
    ['12345678901234567890.0', 'float 12345678901234567000'],
    ['NaN', 'js NaN'],
    ['-Infinity', 'js -Infinity'],
  ])('%s is %s alone, in a list, and beside similar text', (literal, kind) => {
    expect(kindOf(parseJson(literal))).toBe(kind);
    expect(kindOf((parseJson(`["1.0", "\\"", ${literal} ]`) as unknown[])[2])).toBe(kind);
    expect(kindOf((parseJson(`{"a":{"1.5":${literal}},"b":2}`) as { a: object }).a['1.5' as never])).toBe(
      kind,
    );
  });

  test('numbers in strings stay strings', () => {
    expect(losesNumbers('{"a":"1.0 \\" 1e3","b":[1,2,0.5,-3]}')).toBe(false);
    expect(losesNumbers('{"a":"\\\\","b":1.0}')).toBe(true);
    expect(losesNumbers('[1.5,2.5,3.0]')).toBe(true);
  });

  test('templates and structured clones see a boxed number, a bigint, an own __proto__', () => {
    const value = structuredClone(parseJson('{"__proto__":1.0,"id":9007199254740993}')) as object;
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.entries(value).map(([key, item]) => `${key} ${kindOf(item)}`)).toEqual([
      '__proto__ float 1',
      'id int 9007199254740993',
    ]);
  });

  test('throws a syntax error where JSON.parse does', () => {
    for (const bad of [
      '{"a":1.0',
      '[1.0,]',
      '[NaN,]',
      'nan',
      '{"a":Infinity1}',
      '[01.0]',
      '[NaN, 01]',
      '1.0 x',
      '',
    ]) {
      expect(() => parseJson(bad), bad).toThrow(SyntaxError);
    }
  });

  test('handles a depth of 100,000', () => {
    const deep = `${'['.repeat(1e5)}1.0${']'.repeat(1e5)}`;
    expect(Array.isArray(parseJson(deep))).toBe(true);
    expect(() => parseJson(deep.replace('1.0', 'NaN'))).toThrow(SyntaxError);
  });
});

test('all other values, numbers included, equal those of JSON.parse', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 4 }), (json) => {
      const plain = (value: unknown): unknown => {
        if (value instanceof Number) return value.valueOf();
        if (typeof value === 'bigint') return Number(value);
        if (Array.isArray(value)) return value.map(plain);
        if (typeof value !== 'object' || value === null) return value;
        return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
      };
      const forced = `[1.0,${json}]`;
      expect(plain(parseJson(forced))).toEqual(JSON.parse(forced));
    }),
  );
});

test('writes in the layout of JSON.stringify, and round-trips', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(0, 2), (value, indent) => {
      expect(toJsonText(value, indent)).toBe(JSON.stringify(value, null, indent));
    }),
    { examples: [[{ a: [], b: {}, c: [{}, [1]] }, 2]] },
  );
  const text = '{"a":1.0,"b":[-0.0,1000.0,12345678901234567890,NaN,-Infinity],"c":0.5,"d":1e+22}';
  expect(toJsonText(parseJson(text))).toBe(text);
  expect(toJsonText({ a: undefined, b: [undefined] })).toBe('{"b":[null]}');
});
