import { describe, expect, test } from 'vitest';
import { detectFormat } from './formats.ts';
import { Linter, type EndTokens, type FindingCode } from './lint.ts';
import type { Row } from './row.ts';
import { tokenizeRows } from './tokenize.ts';

const pair = (prompt: string, completion: string) => ({ prompt, completion });
const chat = (...turns: [string, string][]) => ({
  messages: turns.map(([role, content]) => ({ role, content })),
});
const rowsOf = (values: Record<string, unknown>[]): Row[] =>
  values.map((value, i) => ({ line: i + 1, value }));

function found(values: Record<string, unknown>[]): Partial<Record<FindingCode, number[]>> {
  const rows = rowsOf(values);
  const findings = new Linter().lint({
    ...{ rows, format: detectFormat(rows), tokens: null, maxLength: 100, ends: null, evaluation: [] },
  });
  return Object.fromEntries(findings.map(({ code, rows: at }) => [code, at]));
}

const ends: EndTokens = { eosIds: [2], specialIds: [1, 2, 3], padId: 2, eos: '</s>' };
/** Linted as tokens; `evaluation` are rows kept aside. */
function foundInTokens(
  values: { input_ids: number[]; labels?: number[] }[],
  { maxLength = 100, evaluation = [] as number[], of = ends as EndTokens | null } = {},
) {
  const rows = rowsOf(values.map((value) => ({ ...value })));
  const tokens = tokenizeRows(
    { name: 'd', rows },
    { format: 'tokenized', tokenizer: null, maxLength, vocabSize: 100 },
  );
  const findings = new Linter().lint({
    ...{ rows, format: 'tokenized', tokens, maxLength, ends: of, evaluation },
  });
  return Object.fromEntries(findings.map(({ code, rows: at }) => [code, at]));
}

describe('linter', () => {
  test('says nothing about good rows', () => {
    expect(found([pair('Who is Zip?', 'A robot.'), pair('Où est-il ?', 'Là-bas, « à la ville ».')])).toEqual(
      {},
    );
    expect(
      found([
        chat(['system', 'Be kind.'], ['user', 'a'], ['assistant', 'b'], ['user', 'c'], ['assistant', 'd']),
      ]),
    ).toEqual({});
    expect(foundInTokens([{ input_ids: [1, 5, 2], labels: [-100, 5, 2] }])).toEqual({});
  });

  test('finds the same row twice, and nearly the same', () => {
    const rows = [pair('Hi', 'Yes.'), pair('Hi', 'Yes.'), pair('hi!', ' yes'), pair('Hi', 'No.')];
    expect(found(rows)).toEqual({ duplicate: [1], nearDuplicate: [2] });
    // Question and answer changed places: other rows.
    expect(found([pair('a', 'b'), pair('b', 'a'), pair('ab', ''), pair('a', 'b ')])).toEqual({
      emptyAnswer: [2],
      nearDuplicate: [3],
    });
  });

  test('finds empty answers and turns out of order', () => {
    expect(
      found([
        chat(['user', 'a'], ['assistant', ' \n']),
        chat(['user', 'a'], ['user', 'b'], ['assistant', 'c']),
        chat(['assistant', 'c'], ['user', 'x'], ['assistant', 'd']),
        chat(['user', 'q'], ['system', 's'], ['assistant', 'e']),
        chat(['user', 'w'], ['assistant', 'f'], ['tool', '1'], ['assistant', 'g']),
      ]),
    ).toEqual({ emptyAnswer: [0], roleOrder: [1, 2, 3] });
  });

  test('finds broken characters', () => {
    const rows = [
      pair('a', 'cafÃ© au lait'),
      pair('b', 'ä½\u00a0å¥½'),
      pair('c', 'lost \ufffd here'),
      pair('d', 'bell \u0007'),
      pair('e', 'Itâ€™s'),
      pair('f', '“fine” – naïve, ça va, Ärger, 你好'),
    ];
    expect(found(rows)).toEqual({ mojibake: [0, 1, 4], replacementCharacter: [2], controlCharacter: [3] });
  });

  test('finds the few rows in another script, but none in mixed data', () => {
    const english = Array.from({ length: 40 }, (_, i) => pair(`question ${i}`, `answer ${i}`));
    expect(found([...english, pair('你好', '你好，我是通义千问 Qwen')])).toEqual({ otherScript: [40] });
    const chinese = Array.from({ length: 40 }, (_, i) => pair(`问题 ${i}`, `回答 ${i}`));
    expect(found([...english, ...chinese])).toEqual({});
  });

  test('finds rows for evaluation whose prompt is trained on', () => {
    const rows = [
      { input_ids: [1, 5, 6, 2], labels: [-100, -100, 6, 2] },
      { input_ids: [1, 5, 7, 2], labels: [-100, -100, 7, 2] },
      { input_ids: [1, 8, 7, 2], labels: [-100, -100, 7, 2] },
    ];
    expect(foundInTokens(rows, { evaluation: [1, 2] })).toEqual({ leak: [1] });
    expect(foundInTokens(rows)).toEqual({});
  });

  test('finds ends that are not trained, and tells the trap of pad = eos from a missing end', () => {
    const rows = [
      { input_ids: [1, 5, 2, 2], labels: [-100, 5, -100, -100] },
      { input_ids: [1, 5, 6], labels: [-100, 5, 6] },
    ];
    expect(foundInTokens(rows)).toEqual({ endUntrained: [1], padIsEos: [0] });
    expect(foundInTokens(rows, { of: { ...ends, padId: 0 } })).toEqual({ endUntrained: [0, 1] });
    expect(foundInTokens(rows, { of: null })).toEqual({});
  });

  test('takes an end for trained when white space is trained behind it, and nothing else', () => {
    const rows = [
      { input_ids: [1, 5, 2, 9, 9] },
      { input_ids: [1, 6, 2, 9], labels: [-100, 6, 2, 9] },
      { input_ids: [1, 7, 2, 9], labels: [-100, 7, -100, 9] },
      { input_ids: [1, 5, 2, 8] },
      { input_ids: [1, 5, 4], labels: [-100, 5, 4] },
    ];
    const of = { ...ends, blankIds: [9] };
    expect(foundInTokens(rows, { of })).toEqual({ endUntrained: [2, 3, 4] });
    const template = { endIds: [4], ends: ['<end>'], text: null };
    expect(foundInTokens(rows, { of: { ...of, template } })).toEqual({ endUntrained: [2, 3] });
    // Where nobody says what is white space, one token may follow.
    expect(foundInTokens(rows.slice(0, 3))).toEqual({ endUntrained: [0, 2] });
  });

  test('tells where EOS and the chat template disagree, for rows that the template renders', () => {
    const rows = rowsOf([chat(['user', 'a'], ['assistant', 'b'])]);
    const told = (template: EndTokens['template'], format: 'messages' | 'text' = 'messages') =>
      new Linter()
        .lint({
          ...{ rows, format, tokens: null, maxLength: 9, evaluation: [] },
          ends: { ...ends, template },
        })
        .map(({ code, severity, rows: at, params }) => [code, severity, at, params]);
    const other = { endIds: [3], ends: ['<|im_end|>'], text: null };
    expect(told(other)).toEqual([['endsDiffer', 'hint', [], { eos: '</s>', end: '<|im_end|>' }]]);
    expect(told({ endIds: [], ends: [], text: '### End' })).toEqual([
      ['endIsText', 'warning', [], { text: '### End', eos: '</s>' }],
    ]);
    expect(told({ endIds: [3, 2], ends: ['<|end|>', '</s>'], text: null })).toEqual([]);
    expect(told(other, 'text')).toEqual([]);
    expect(told(undefined)).toEqual([]);
  });

  test('finds answers that are cut, but not rows cut behind them', () => {
    const rows = [
      { input_ids: [1, 5, 6, 7, 2], labels: [-100, 5, 6, 7, 2] },
      { input_ids: [1, 5, 2, 7, 8], labels: [-100, 5, 2, -100, -100] },
    ];
    expect(foundInTokens(rows, { maxLength: 3 })).toEqual({ answerCut: [0] });
  });

  test('finds rows far longer than the others', () => {
    const rows = Array.from({ length: 30 }, (_, i) => ({
      input_ids: [1, ...Array<number>(10).fill(10 + i), 2],
    }));
    const long = { input_ids: [1, ...Array<number>(400).fill(7), 2] };
    expect(foundInTokens([...rows, long], { maxLength: 1000 })).toEqual({ outlier: [30] });
  });

  test('reads only rows it has not seen', () => {
    const linter = new Linter();
    let reads = 0;
    const watched = (value: Record<string, unknown>): Row => ({
      line: 1,
      get value() {
        reads++;
        return value;
      },
    });
    const rows = [watched(pair('a', 'b')), watched(pair('c', 'd'))];
    const input = {
      ...{ format: 'prompt_completion' as const, tokens: null, maxLength: 9, ends: null, evaluation: [] },
    };
    linter.lint({ ...input, rows });
    reads = 0;
    linter.lint({ ...input, rows: [...rows, { line: 3, value: pair('a', 'b') }] });
    expect(reads).toBe(0);
  });
});
