import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonIntegerTooLarge, JsonScanner, JsonSyntaxError } from './jsonScanner.ts';

function accepts(text: string): boolean {
  const scanner: JsonScanner = new JsonScanner(text);
  try {
    scanner.skipValue();
    scanner.end();
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(JsonSyntaxError);
    return false;
  }
}

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe('JsonScanner', () => {
  it('accepts all JSON of moderate depth', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 8 }), (text) => {
        expect(accepts(text)).toBe(true);
      }),
    );
  });

  it('accepts exactly what JSON.parse accepts, on JSON with a character put in or taken out', () => {
    const mutated = fc
      .tuple(
        fc.json(),
        fc.nat(),
        fc.constantFrom('', '"', '{', ']', ',', ':', '0', '.', 'e', '-', '\\', ' ', '\t', 'x'),
      )
      .map(
        ([text, at, put]) =>
          text.slice(0, at % text.length) + put + text.slice((at % text.length) + (put === '' ? 1 : 0)),
      );
    fc.assert(
      fc.property(mutated, (text) => {
        expect(accepts(text)).toBe(parses(text));
      }),
      { numRuns: 3000 },
    );
  });

  it('reads strings as JSON.parse does', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        expect(new JsonScanner(JSON.stringify(value)).string()).toBe(value);
        const escaped = [...value]
          .flatMap((c) => c.split(''))
          .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
        expect(new JsonScanner(`"${escaped.join('')}"`).string()).toBe(value);
      }),
    );
  });

  it.each(['"\\ud800"', '"\\udc00\\ud800"', '"\\x"', '"\\u12g4"', '"\\u12"', '"a\nb"', '"abc', '"\\'])(
    'refuses the string %s',
    (text) => {
      expect(() => new JsonScanner(text).string()).toThrow(JsonSyntaxError);
    },
  );

  it.each(['-1', '01', '1.0', '1e3', '1.', '+1', '', '"1"', 'NaN', '１'])(
    'refuses %s as an integer',
    (text) => {
      expect(() => new JsonScanner(text).unsignedInteger()).toThrow(JsonSyntaxError);
    },
  );

  it('reads integers to 2^53 − 1 and refuses the next without rounding', () => {
    expect(new JsonScanner('9007199254740991').unsignedInteger()).toBe(2 ** 53 - 1);
    for (const text of [
      '9007199254740992',
      '9007199254740993',
      '18446744073709551616',
      '9'.repeat(5_000_000),
    ]) {
      expect(() => new JsonScanner(text).unsignedInteger()).toThrow(JsonIntegerTooLarge);
    }
  });

  it('refuses depth that would exhaust the stack', () => {
    expect(accepts('['.repeat(1_000_000))).toBe(false);
    expect(accepts('{"a":'.repeat(1_000_000))).toBe(false);
  });

  it('says where', () => {
    const scanner: JsonScanner = new JsonScanner('{"a": 1, "b" 2}');
    expect(() => scanner.object(() => scanner.skipValue())).toThrow('at character 13');
  });
});
