import { describe, expect, test } from 'vitest';
import { detectFormat } from '../rows/formats.ts';
import { Linter } from './lint.ts';
import type { FindingCode } from './finding.ts';
import type { EndTokens } from '../labels/turnEnd.ts';
import type { Row } from '../files/row.ts';
import { tokenizeRows } from '../tokens/tokenize.ts';

const pair = (prompt: string, completion: string) => ({ prompt, completion });
const chat = (...turns: [string, string][]) => ({
  messages: turns.map(([role, content]) => ({ role, content })),
});
const rowsOf = (values: Record<string, unknown>[]): Row[] =>
  values.map((value, i) => ({ line: i + 1, value }));

function lint(values: Record<string, unknown>[]) {
  const rows = rowsOf(values);
  return new Linter().lint({
    rows,
    format: detectFormat(rows),
    tokens: null,
    maxLength: 100,
    ends: null,
    evaluation: [],
  });
}

function found(values: Record<string, unknown>[]): Partial<Record<FindingCode, number[]>> {
  const findings = lint(values);
  return Object.fromEntries(findings.map(({ code, rows: at }) => [code, at]));
}

const ends: EndTokens = { eosIds: [2], specialIds: [1, 2, 3], padId: 2, eos: '</s>' };
/** Lints rows as tokens; `evaluation` are the indices of held-out rows. */
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
    rows,
    format: 'tokenized',
    tokens,
    maxLength,
    ends: of,
    evaluation,
  });
  return Object.fromEntries(findings.map(({ code, rows: at }) => [code, at]));
}

describe('linter', () => {
  test('finds nothing in good rows', () => {
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

  test('finds duplicates and near duplicates', () => {
    const rows = [pair('Hi', 'Yes.'), pair('Hi', 'Yes.'), pair('hi!', ' yes'), pair('Hi', 'No.')];
    expect(found(rows)).toEqual({ duplicate: [1], nearDuplicate: [2], contradiction: [0, 3] });
    // Question and answer swapped: different rows.
    expect(found([pair('a', 'b'), pair('b', 'a'), pair('ab', ''), pair('a', 'b ')])).toEqual({
      emptyAnswer: [2],
      nearDuplicate: [3],
    });
  });

  test('finds empty answers and misordered turns', () => {
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

  test('finds evaluation rows whose prompt is trained on', () => {
    const rows = [
      { input_ids: [1, 5, 6, 2], labels: [-100, -100, 6, 2] },
      { input_ids: [1, 5, 7, 2], labels: [-100, -100, 7, 2] },
      { input_ids: [1, 8, 7, 2], labels: [-100, -100, 7, 2] },
    ];
    expect(foundInTokens(rows, { evaluation: [1, 2] })).toEqual({ leak: [1] });
    expect(foundInTokens(rows)).toEqual({});
  });

  test('finds rows whose prompt is also in the validation file, whatever its format', () => {
    const rows = rowsOf([pair('Who is Pip?', 'A frog.'), pair('Who is Zip?', 'A robot.')]);
    const validation = rowsOf([
      chat(['user', 'Who is Zip?'], ['assistant', 'Nobody.']),
      chat(['user', 'Who is Bo?'], ['assistant', 'A cat.']),
    ]);
    const findings = new Linter().lint({
      rows,
      format: detectFormat(rows),
      tokens: null,
      maxLength: 100,
      ends: null,
      evaluation: [],
      validation: { rows: validation, format: detectFormat(validation) },
    });
    expect(findings).toEqual([{ code: 'inValidation', severity: 'error', rows: [1], params: {} }]);
  });

  test('finds untrained end tokens, and distinguishes pad = eos from a missing end', () => {
    const rows = [
      { input_ids: [1, 5, 2, 2], labels: [-100, 5, -100, -100] },
      { input_ids: [1, 5, 6], labels: [-100, 5, 6] },
    ];
    expect(foundInTokens(rows)).toEqual({ endUntrained: [1], padIsEos: [0] });
    expect(foundInTokens(rows, { of: { ...ends, padId: 0 } })).toEqual({ endUntrained: [0, 1] });
    expect(foundInTokens(rows, { of: null })).toEqual({});
  });

  test('counts an end token as trained if only whitespace is trained after it', () => {
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
    // If whitespace tokens are unknown, one token may follow.
    expect(foundInTokens(rows.slice(0, 3))).toEqual({ endUntrained: [0, 2] });
  });

  test('reports where EOS and the chat template disagree, for rows that the template renders', () => {
    const rows = rowsOf([chat(['user', 'a'], ['assistant', 'b'])]);
    const findings = (template: EndTokens['template'], format: 'messages' | 'text' = 'messages') =>
      new Linter()
        .lint({
          rows,
          format,
          tokens: null,
          maxLength: 9,
          evaluation: [],
          ends: { ...ends, template },
        })
        .map(({ code, severity, rows: at, params }) => [code, severity, at, params]);
    const other = { endIds: [3], ends: ['<|im_end|>'], text: null };
    expect(findings(other)).toEqual([['endsDiffer', 'hint', [], { eos: '</s>', end: '<|im_end|>' }]]);
    expect(findings({ endIds: [], ends: [], text: '### End' })).toEqual([
      ['endIsText', 'warning', [], { text: '### End', eos: '</s>' }],
    ]);
    expect(findings({ endIds: [3, 2], ends: ['<|end|>', '</s>'], text: null })).toEqual([]);
    expect(findings(other, 'text')).toEqual([]);
    expect(findings(undefined)).toEqual([]);
  });

  test('finds truncated answers, but not rows truncated after them', () => {
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

  test('reads only new rows', () => {
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
      format: 'prompt_completion' as const,
      tokens: null,
      maxLength: 9,
      ends: null,
      evaluation: [],
    };
    linter.lint({ ...input, rows });
    reads = 0;
    linter.lint({ ...input, rows: [...rows, { line: 3, value: pair('a', 'b') }] });
    expect(reads).toBe(0);
  });
});

describe('answers', () => {
  test('that contradict each other are found, unless the system message differs', () => {
    expect(
      found([pair('Capital of France?', 'Paris.'), pair('capital of france', 'Lyon.'), pair('x', 'y')]),
    ).toEqual({
      contradiction: [0, 1],
    });
    const asked = (system: string, answer: string) =>
      chat(['system', system], ['user', 'Who are you?'], ['assistant', answer]);
    expect(found([asked('You are Zip.', 'Zip.'), asked('You are Pip.', 'Pip.')])).toEqual({});
    expect(found([asked('You are Zip.', 'Zip.'), asked('You are Zip.', 'Pip.')])).toEqual({
      contradiction: [0, 1],
    });
  });

  test('that lack after the last question', () => {
    const good = chat(['user', 'a'], ['assistant', 'b']);
    const open = chat(['user', 'c'], ['assistant', 'd'], ['user', 'And then?']);
    expect(found([good, open])).toEqual({ endsWithPrompt: [1] });
  });

  test('far shorter or longer than the rest', () => {
    const words = (n: number) => Array.from({ length: n }, (_, i) => `w${i}`).join(' ');
    const usual = Array.from({ length: 20 }, (_, i) => pair(`Question ${i}`, `${i} ${words(30)}`));
    expect(
      found([...usual, pair('short', 'ok'), pair('long', words(900)), pair('both fine', words(12))]),
    ).toEqual({
      shortAnswer: [20],
      longAnswer: [21],
    });
    expect(found([...usual.slice(1, 10), pair('short', 'ok')])).toEqual({});
  });
});

describe('secrets', () => {
  const card = '4111 1111 1111 1111';

  test.each([
    ['sk-proj-abcdefghijklmnopqrstuvwx', 'secret'],
    ['ghp_0123456789abcdefghijklmnopqrstuvwxyz', 'secret'],
    ['AKIAIOSFODNN7EXAMPLE', 'secret'],
    ['-----BEGIN RSA PRIVATE KEY-----', 'secret'],
    ['postgres://admin:hunter22@db.internal/main', 'secret'],
    [card, 'personal'],
    ['DE89 3704 0044 0532 0130 00', 'personal'],
    ['ada.lovelace@analytical.org', 'personal'],
    ['123-45-6789', 'personal'],
  ])('%s is %s, and shown masked', (text, code) => {
    const [finding] = lint([pair('a', 'b'), pair('Mine?', `It is ${text}, keep it.`)]);
    expect(finding).toMatchObject({ code, rows: [1] });
    const shown = String(finding!.params.examples);
    expect(shown).toMatch(/^.{1,4}….{1,4}$/);
    expect(shown.length).toBeLessThan(text.length / 2 + 1);
  });

  test.each([
    'Call 555-1234 on 2024-01-31 at 10:30.',
    'Order 4111 1111 1111 1112 is no card, nor is 0000 0000 0000 0000.',
    'user@example.com, no-reply@shop.com',
    'task-oriented, desk-mounted, sk-learn, risk-free',
    'https://huggingface.co/org/name?x=1:2@3',
    '1234567890123456789012345',
    '3.14159265358979323846',
  ])('%s has none', (text) => expect(found([pair('a', text)])).toEqual({}));
});

test('a few rows in another language of the same script are found', () => {
  const english = Array.from({ length: 30 }, (_, i) =>
    pair(
      `Question ${i} of the list`,
      `The answer to that is number ${i}, as it was in the book that you had with you.`,
    ),
  );
  const german = pair(
    'Und was ist das?',
    'Das ist nicht der Ball, den wir mit dem Hund auf der Wiese und im Haus gesucht haben.',
  );
  expect(found([...english, german])).toEqual({ otherLanguage: [30] });
  expect(
    found([...english, pair('Code?', 'const x = await f(a, b); return x.map((y) => y.z).join(sep);')]),
  ).toEqual({});
});
