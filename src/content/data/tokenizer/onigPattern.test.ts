import { describe, expect, test } from 'vitest';
import { fixture } from '../../../testing/tokenizers.ts';
import { compileOnig, literalPattern } from './onigPattern.ts';
import { selectRanges, partsByPattern } from './split.ts';

const { texts, patterns } = JSON.parse(fixture('reference-tokenizers.json')) as {
  texts: string[];
  /** A pattern and the pieces into which Python's `tokenizers` splits each text. */
  patterns: [string, string[][]][];
};

function pieces(regex: RegExp, text: string): string[] {
  const ranges = selectRanges(partsByPattern(regex, text), 'Isolated', false);
  return ranges.flatMap((start, i) => (i % 2 === 0 ? [text.slice(start, ranges[i + 1])] : []));
}

test.each(patterns)('splits like Oniguruma: %s', (pattern, expected) => {
  const { regex } = compileOnig(pattern);
  texts.forEach((text, i) => expect([text, pieces(regex, text)]).toEqual([text, expected[i]]));
});

test('literal text is matched literally', () => {
  expect(pieces(literalPattern('a.b|🍣').regex, 'a.b|🍣axb|')).toEqual(['a.b|🍣', 'axb|']);
});

describe('unsupported syntax is named', () => {
  test.each([
    [String.raw`(a)\1`, String.raw`"\1"`],
    [String.raw`\Ga`, String.raw`"\G"`],
    [String.raw`a\Kb`, String.raw`"\K"`],
    [String.raw`\X`, String.raw`"\X"`],
    ['(?~ab)', '(?~ab'],
    ['(?s:a)', '(?s:a'],
    ['(?P<n>a)', '(?P<n'],
    ['(?i:é)', 'case-insensitive "é"'],
    ['(?i:stress)', 'case-insensitive "st"'],
    ['(?i:[^é])', 'case-insensitive'],
    ['(?:a*|b)*', 'something that can be empty'],
    ['(?<=(?>a+))b', 'atomic group in a lookbehind'],
    [String.raw`\p{Elvish}`, String.raw`\p{Elvish}`],
    ['[[:elvish:]]', '[:elvish:]'],
    ['[a', 'unterminated brackets'],
    ['(a', 'an unterminated group'],
    ['a)', 'unmatched )'],
    ['*a', 'with nothing to repeat'],
    ['a{3}?', '"{n}?"'],
    ['(?=a).*b', 'after a lookahead'],
  ])('%s', (pattern, message) => {
    expect(() => compileOnig(pattern)).toThrow(message);
  });

  test('rejects patterns that are too long or too deep', () => {
    expect(() => compileOnig('a'.repeat(20_000))).toThrow('more than 10000 characters');
    expect(() => compileOnig(`${'('.repeat(300)}a${')'.repeat(300)}`)).toThrow('nested');
    expect(() => compileOnig(`${'['.repeat(300)}a${']'.repeat(300)}`)).toThrow('nested');
  });
});
