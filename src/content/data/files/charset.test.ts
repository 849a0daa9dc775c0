import { describe, expect, it } from 'vitest';
import { pythonEncoded } from '../../../testing/encodings.ts';
import { expectGraftError } from '../../../testing/errors.ts';
import { memorySource } from '../../../testing/sources.ts';
import { encodings } from './encoding.ts';
import { parseDataset } from './parse.ts';

/** A question and an answer of each language, as people write them. */
const texts = {
  chinese: ['今天天气怎么样？', '今天天气很好，我们可以去公园散步。'],
  traditional: ['今天天氣怎麼樣？', '今天天氣很好，我們可以去公園散步。這是我的學校。'],
  japanese: ['今日の天気はどうですか？', '今日はとてもいい天気です。公園を散歩しましょう。'],
  korean: ['오늘 날씨가 어때요?', '오늘은 날씨가 아주 좋습니다. 우리는 공원에서 산책할 수 있어요.'],
  russian: ['Какая сегодня погода?', 'Сегодня очень хорошая погода, мы можем пойти в парк.'],
  french: ['Où est le café ?', 'Le café est à côté de l’église, près de la forêt.'],
  german: ['Wie heißt du?', 'Ich heiße Jürgen und wohne in München.'],
} as const;
type Language = keyof typeof texts;

const right: [string, Language, string][] = [
  ['gb18030', 'chinese', 'gb18030'],
  ['gbk', 'chinese', 'gb18030'],
  ['big5', 'traditional', 'big5'],
  ['shift_jis', 'japanese', 'shift_jis'],
  ['cp932', 'japanese', 'shift_jis'],
  ['euc_jp', 'japanese', 'euc-jp'],
  ['euc_kr', 'korean', 'euc-kr'],
  ['cp949', 'korean', 'euc-kr'],
  ['cp1251', 'russian', 'windows-1251'],
  ['koi8_r', 'russian', 'koi8-r'],
  ['cp1252', 'french', 'windows-1252'],
  ['latin_1', 'german', 'windows-1252'],
];

describe.each(right)('%s', (codec, language, encoding) => {
  const [prompt, completion] = texts[language];

  it.each([1, 20])(`is read from ${language} CSV and JSONL of %i rows`, async (rows) => {
    const csv = `prompt,completion\n${`${prompt},"${completion}"\n`.repeat(rows)}`;
    const parsed = await parseDataset(memorySource('d.csv', pythonEncoded(csv, codec)));
    expect([parsed.encoding, parsed.problems]).toEqual([encoding, []]);
    expect(parsed.rows.map(({ value }) => value)).toEqual(Array(rows).fill({ prompt, completion }));
    const jsonl = `${JSON.stringify({ prompt, completion })}\n`.repeat(rows);
    const lines = await parseDataset(memorySource('d.jsonl', pythonEncoded(jsonl, codec)));
    expect(lines.rows[rows - 1]).toEqual({ line: rows, value: { prompt, completion } });
  });
});

it('is found where the first 300 KB are ASCII', async () => {
  const ascii = '{"text":"plain"}\n'.repeat(18_000);
  const bytes = pythonEncoded(`${ascii}{"text":"${texts.chinese[1]}"}\n`.repeat(1), 'gb18030');
  const parsed = await parseDataset(memorySource('d.jsonl', bytes));
  expect([parsed.encoding, parsed.rows.length]).toEqual(['gb18030', 18_001]);
  expect(parsed.rows.at(-1)?.value.text).toBe(texts.chinese[1]);
});

it('reads the same for any cut between chunks', async () => {
  const row = `{"text":"${texts.japanese.join('')}"}\n`;
  const parsed = await parseDataset(memorySource('d.jsonl', pythonEncoded(row.repeat(20_000), 'shift_jis')));
  expect(parsed.rows).toHaveLength(20_000);
  expect(new Set(parsed.rows.map(({ value }) => value.text))).toEqual(new Set([texts.japanese.join('')]));
});

describe('what is not certain', () => {
  const polish =
    'prompt,completion\nJak się masz?,"Dziękuję, świetnie. Żółw."\nGdzie jest książka?,Książka leży na półce.\n';

  it('is asked, with how the text would read', async () => {
    const source = memorySource('d.csv', pythonEncoded(polish, 'cp1250'));
    await expectGraftError(() => parseDataset(source), 'data.encoding_unclear', { file: 'd.csv' });
    const error = (await parseDataset(source).catch((thrown: unknown) => thrown)) as {
      params: { choices: string };
    };
    const choices = JSON.parse(error.params.choices) as { encoding: string; sample: string }[];
    expect(choices.find(({ encoding }) => encoding === 'windows-1250')?.sample).toContain('się masz');
  });

  it('is read as the user says', async () => {
    const source = memorySource('d.csv', pythonEncoded(polish, 'cp1250'));
    const parsed = await parseDataset(source, undefined, { encoding: 'windows-1250' });
    expect(parsed.rows[1]?.value).toEqual({
      prompt: 'Gdzie jest książka?',
      completion: 'Książka leży na półce.',
    });
    const marked = memorySource('d.jsonl', pythonEncoded('\ufeff{"text":"é"}\n', 'utf-16-le'));
    expect((await parseDataset(marked, undefined, { encoding: 'utf-16le' })).rows[0]?.value.text).toBe('é');
  });

  it('stays UTF-8 where a few lines are damaged', async () => {
    const rows = Array.from({ length: 12 }, (_, at) => `{"text":"row ${at}"}\n`);
    const bytes = Buffer.concat([
      Buffer.from(rows.join('')),
      Buffer.from('{"text":"'),
      Buffer.of(0xff, 0xfe),
      Buffer.from('"}\n'),
    ]);
    const parsed = await parseDataset(memorySource('d.jsonl', new Uint8Array(bytes)));
    expect([parsed.encoding, parsed.rows.length]).toEqual(['utf-8', 12]);
    expect(parsed.problems.map(({ line, code }) => `${line} ${code}`)).toEqual(['13 data.bad_utf8']);
  });
});

it.each(encodings.filter((name) => !name.startsWith('utf-32')))('%s is known to the platform', (name) => {
  expect(new TextDecoder(name).encoding).toBe(name);
});
