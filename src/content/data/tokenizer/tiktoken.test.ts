import { describe, expect, test } from 'vitest';
import { fixture } from '../../../testing/tokenizers.ts';
import { BYTE_CHARS } from './pieces.ts';
import { parseTiktoken, recoverMerges } from './tiktoken.ts';

const FILE = 'qwen.tiktoken';
const base64 = (text: string) => Buffer.from(text, 'latin1').toString('base64');
const lines = (tokens: string[]) => tokens.map((token, rank) => `${base64(token)} ${rank}`);
const bytes = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte));
const merges = (tokens: string[]) =>
  recoverMerges([...BYTE_CHARS, ...tokens], FILE).map((pair) => pair.join('+'));

describe('parse', () => {
  test('tokens by rank in the byte alphabet, in any order and with any line endings', () => {
    const inOrder = lines([...bytes, ' a', '\u00e4\u00bd']);
    const expected = [...BYTE_CHARS, 'Ġa', 'ä½'];
    expect(parseTiktoken(inOrder.join('\n'), FILE)).toEqual(expected);
    expect(parseTiktoken(`${inOrder.reverse().join('\r\n')}\r\n\r\n`, FILE)).toEqual(expected);
  });

  test.each([
    ['only one field', 'QQ==', 'it is not a token in base64 and its rank'],
    ['three fields', 'QQ== 1 2', 'it is not a token in base64 and its rank'],
    ['not base64', 'Q?== 256', '"Q?==" is not base64'],
    ['base64 without padding', 'QQ 256', '"QQ" is not base64'],
    ['a negative rank', 'QUI= -1', '"-1" is not a rank'],
    ['a fraction', 'QUI= 1.5', '"1.5" is not a rank'],
    ['a huge rank', 'QUI= 99999999999', '"99999999999" is not a rank'],
    ['a token twice', 'QQ== 256', 'its token is already on line 66'],
    ['a rank twice', 'QUI= 7', 'rank 7 is already on line 8'],
    ['a gap', 'QUI= 258', 'rank 258 follows a gap: no line has rank 256'],
  ])('%s is reported with its line', (_, line, detail) => {
    const text = [...lines(bytes), line].join('\n');
    expect(() => parseTiktoken(text, FILE)).toThrow(
      expect.objectContaining({
        code: 'data.tiktoken_line',
        params: { file: FILE, line: 257, detail },
      }),
    );
  });

  test('no tokens, or a byte missing', () => {
    expect(() => parseTiktoken('\n', FILE)).toThrow('it has no tokens');
    expect(() => parseTiktoken(lines(bytes.slice(0, 255)).join('\n'), FILE)).toThrow('the byte 0xff');
  });
});

describe('a file of a stranger', () => {
  test.each(['\n', '\r'])('of very many lines is refused before they are made', (end) => {
    expect(() => parseTiktoken(end.repeat(20_000_000), FILE)).toThrow('it has more than 1000000 lines');
  });

  test('whose tokens would take hours to merge is refused', () => {
    const powers = Array.from({ length: 16 }, (_, i) => 'a'.repeat(2 << i));
    const tokens = [...BYTE_CHARS, ...powers, 'a'.repeat(1_000_000)];
    expect(() => recoverMerges(tokens, FILE)).toThrow('its merges take more than 100000000 steps');
  });
});

describe('merges', () => {
  test('the parts that lower ranks make, not the first split found', () => {
    // "abc" is a+bc, since bc ranks before ab.
    expect(merges(['bc', 'ab', 'abc'])).toEqual(['b+c', 'a+b', 'a+bc']);
    expect(merges(['ab', 'bc', 'abc'])).toEqual(['a+b', 'b+c', 'ab+c']);
    expect(merges(['aa', 'aaa', 'aaaa'])).toEqual(['a+a', 'aa+a', 'aa+aa']);
  });

  test('a part of higher rank counts too, as in tiktoken', () => {
    expect(merges(['abc', 'ab'])).toEqual(['ab+c', 'a+b']);
  });

  test('an unreachable token has none', () => {
    expect(merges(['xyz'])).toEqual([]);
  });

  test('one per token of a trained vocabulary', () => {
    const tokens = parseTiktoken(fixture('qwen-v1-like.tiktoken'), FILE);
    const pairs = recoverMerges(tokens, FILE);
    expect(pairs.map((pair) => pair.join(''))).toEqual(tokens.slice(256));
    const known = new Set(tokens);
    for (const part of pairs.flat()) expect(known.has(part)).toBe(true);
  });

  test('a vocabulary of Qwen’s size is no trouble', () => {
    let seed = 1;
    const random = () => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 32;
    const tokens = [...BYTE_CHARS];
    const known = new Set(tokens);
    const pick = () => tokens[Math.floor(random() ** 2 * tokens.length)] as string;
    while (tokens.length < 151_643) {
      const joined = pick() + pick();
      if (joined.length > 12 || known.has(joined)) continue;
      known.add(joined);
      tokens.push(joined);
    }
    expect(recoverMerges(tokens, FILE).length).toBeGreaterThan(100_000);
  });
});
