import { describe, expect, test } from 'vitest';
import { fixture } from '../../testing/tokenizers.ts';
import { compileOnig, literalPattern } from './onigPattern.ts';
import { keptRanges, partsByPattern } from './split.ts';

const { texts, patterns } = JSON.parse(fixture('reference-tokenizers.json')) as {
  texts: string[];
  /** A pattern and the pieces it cuts each text into, by Python's `tokenizers`. */
  patterns: [string, string[][]][];
};

function pieces(regex: RegExp, text: string): string[] {
  const ranges = keptRanges(partsByPattern(regex, text), 'Isolated', false);
  return ranges.flatMap((start, i) => (i % 2 === 0 ? [text.slice(start, ranges[i + 1])] : []));
}

test.each(patterns)('cuts as Oniguruma: %s', (pattern, expected) => {
  const { regex } = compileOnig(pattern);
  texts.forEach((text, i) => expect([text, pieces(regex, text)]).toEqual([text, expected[i]]));
});

test('text is taken as it stands', () => {
  expect(pieces(literalPattern('a.b|🍣').regex, 'a.b|🍣axb|')).toEqual(['a.b|🍣', 'axb|']);
});

describe('refused by name', () => {
  test.each([
    [String.raw`(a)\1`, String.raw`"\1"`],
    [String.raw`\Ga`, String.raw`"\G"`],
    [String.raw`a\Kb`, String.raw`"\K"`],
    [String.raw`\X`, String.raw`"\X"`],
    ['(?~ab)', '(?~ab'],
    ['(?s:a)', '(?s:a'],
    ['(?P<n>a)', '(?P<n'],
    ['(?i:é)', '"é" without regard to case'],
    ['(?i:stress)', '"st" without regard to case'],
    ['(?i:[^é])', 'without regard to case'],
    ['(?:a*|b)*', 'what may be empty'],
    ['(?<=(?>a+))b', 'atomic group in a look behind'],
    [String.raw`\p{Elvish}`, String.raw`\p{Elvish}`],
    ['[[:elvish:]]', '[:elvish:]'],
    ['[a', 'brackets without end'],
    ['(a', 'a group without end'],
    ['a)', 'unmatched )'],
    ['*a', 'without something to repeat'],
    ['a{3}?', '"{n}?"'],
    ['(?=a).*b', 'what follows a look ahead'],
  ])('%s', (pattern, message) => {
    expect(() => compileOnig(pattern)).toThrow(message);
  });

  test('what is too long or too deep', () => {
    expect(() => compileOnig('a'.repeat(20_000))).toThrow('more than 10000 characters');
    expect(() => compileOnig(`${'('.repeat(300)}a${')'.repeat(300)}`)).toThrow('nested');
    expect(() => compileOnig(`${'['.repeat(300)}a${']'.repeat(300)}`)).toThrow('nested');
  });
});
