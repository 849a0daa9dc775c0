import { describe, expect, it } from 'vitest';
import { escapeControls, showReordering } from './visibleText.ts';

describe('on a terminal', () => {
  it('shows control characters and marks of direction as JSON writes them', () => {
    expect(escapeControls('a\u001b[2J\u0007b')).toBe('a\\u001b[2J\\u0007b');
    expect(escapeControls('\u009b2J\u007f\u0000')).toBe('\\u009b2J\\u007f\\u0000');
    expect(escapeControls('gpj\u202eexe.\u2067\u2069')).toBe('gpj\\u202eexe.\\u2067\\u2069');
    expect(escapeControls('\u200e\u200f\u061c\u2028\u2029')).toBe('\\u200e\\u200f\\u061c\\u2028\\u2029');
    expect(escapeControls('a\r\n\tb')).toBe('a\\u000d\\u000a\\u0009b');
  });

  it('keeps what is asked for, and all other text', () => {
    expect(escapeControls('a\n\tb\rc', '\n\t')).toBe('a\n\tb\\u000dc');
    const text = 'naïve 你好 שלום 👩‍👩‍👧 \u00a0 “—” ~';
    expect(escapeControls(text)).toBe(text);
  });

  it('leaves the value of JSON as it is', () => {
    const value = { a: '\u009b\u202e\u2028', b: '\u001b\u007f' };
    const text = escapeControls(JSON.stringify(value, null, 2), '\n');
    expect(text).toMatch(/^[\n -~]*$/);
    expect(JSON.parse(text)).toEqual(value);
  });
});

it('a page shows what reorders text, and leaves marks that Hebrew and Arabic need', () => {
  expect(showReordering('a\u202eb\u2066c\u2069')).toBe('a\\u202eb\\u2066c\\u2069');
  expect(showReordering('שלום\u200f!\n\t')).toBe('שלום\u200f!\n\t');
});
