import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compilePythonRegex, RegexError } from './pythonRegex.ts';

interface Fixture {
  texts: string[];
  cases: [pattern: string, matches: number[]][];
}
const file = new URL('fixtures/pythonRegex.json', import.meta.url);
const { texts, cases } = JSON.parse(readFileSync(file, 'utf8')) as Fixture;

describe('compilePythonRegex', () => {
  it.each(cases)('matches as Python does: %s', (pattern, expected) => {
    const regex = compilePythonRegex(pattern);
    expect(texts.flatMap((text, i) => (regex.fullmatch(text) ? [i] : []))).toEqual(expected);
  });

  it('takes steps that grow with the text, whatever the pattern', () => {
    const regex = compilePythonRegex('(?:(a+)+)+b');
    expect(regex.fullmatch('a'.repeat(2000))).toBe(false);
    expect(regex.fullmatch(`${'a'.repeat(2000)}b`)).toBe(true);
  });

  it.each([
    ['(a', 'wrong'],
    ['a)', 'wrong'],
    ['[a', 'wrong'],
    ['*a', 'wrong'],
    ['a**', 'wrong'],
    ['a\\', 'wrong'],
    ['[z-a]', 'wrong'],
    ['a{3,2}', 'wrong'],
    ['(?<=a)b', 'unknown'],
    ['(?i)a', 'unknown'],
    ['(a)\\1', 'unknown'],
    ['a++b', 'unknown'],
    ['(?:a{1000}){1000}', 'large'],
    ['(?:(?:(?:){9999}){9999}){9999}', 'large'],
    [`${'('.repeat(200)}a${')'.repeat(200)}`, 'large'],
  ])('refuses %s as %s', (pattern, reason) => {
    expect(() => compilePythonRegex(pattern)).toThrow(RegexError);
    expect(() => compilePythonRegex(pattern)).toThrow(reason);
  });
});
