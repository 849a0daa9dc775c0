import fc from 'fast-check';
import { expect, it } from 'vitest';
import { MAX_JSON_DEPTH, parseBoundedJson, TooDeepError } from './boundedJson.ts';

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

it('parses what JSON.parse parses', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      expect(parseBoundedJson(text)).toEqual(JSON.parse(text));
    }),
  );
  for (const text of ['"[[[\\\\"', '{"a\\"[":"]\\\\"}', '"\\\\\\""'])
    expect(parseBoundedJson(text)).toEqual(JSON.parse(text));
});

it('refuses what nests too deep, and not brackets in strings or side by side', () => {
  expect(() => parseBoundedJson(nested(500_000))).toThrow(TooDeepError);
  expect(() => parseBoundedJson('{"a":'.repeat(500_000))).toThrow(TooDeepError);
  expect(() => parseBoundedJson(nested(MAX_JSON_DEPTH + 1))).toThrow('more than 1000 levels');
  expect(parseBoundedJson(nested(MAX_JSON_DEPTH))).toBeInstanceOf(Array);
  expect(parseBoundedJson(JSON.stringify(nested(5000)))).toBe(nested(5000));
  expect(parseBoundedJson(`[${Array(5000).fill('[]').join()}]`)).toHaveLength(5000);
});

it('leaves broken texts to JSON.parse', () => {
  for (const text of ['', '"', '"\\', '[', ']]', '{"a":1', 'nul']) {
    expect(() => parseBoundedJson(text)).toThrow(SyntaxError);
    expect(() => parseBoundedJson(text)).not.toThrow(TooDeepError);
  }
});
