import { expect } from 'vitest';
import { inspectData, type DataReport } from '../data/inspect.ts';
import { defaultReading, type Reading } from '../data/reading.ts';
import type { Tokenizer } from '../data/tokenizer.ts';
import { memorySource } from './sources.ts';
import { fixture, qwenTokenizer } from './tokenizers.ts';

/** What training would see of some rows, as `graft data` reports it, for tests. */
export async function inspectRows(
  tokenizer: Tokenizer | null,
  rows: readonly object[],
  reading: Partial<Reading> = {},
): Promise<DataReport> {
  const source = memorySource('rows.jsonl', rows.map((row) => JSON.stringify(row)).join('\n'));
  const options = { tokenizer, reading: { ...defaultReading, ...reading } };
  const all = { ...options, maxLength: 4096, vocabSize: 1e6, samples: rows.length * 4 };
  return (await inspectData(source, all)).report;
}

/** The rows' texts with what is trained in double brackets. */
export function markedTexts({ samples }: DataReport): string[] {
  return samples
    .map(({ text, trained }) => {
      const characters = Array.from(text);
      return trained.reduceRight(
        (shown, [start, end]) => shown.toSpliced(end, 0, ']]').toSpliced(start, 0, '[['),
        characters,
      );
    })
    .map((characters) => characters.join(''));
}

/** ChatML with tools, tool calls and thoughts, of which it writes those after the last question. */
export const chatmlWithTools = () => qwenTokenizer(fixture('tools.jinja'));

/** ChatML that has no place for tools and thoughts. */
export const plainChatml = () =>
  qwenTokenizer(
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}",
  );

/** Messages of a row. */
export const user = (content: string) => ({ role: 'user', content });
export const assistant = (content: string | null, fields: object = {}) => ({
  role: 'assistant',
  content,
  ...fields,
});

/** Turns as ChatML writes them: the user's and the system's whole, the assistant's up to the line break behind it. */
export const userTurn = (text: string) => `<|im_start|>user\n${text}<|im_end|>\n`;
export const assistantTurn = (text: string) => `<|im_start|>assistant\n${text}\n`;
export const systemTurn = (text: string) => `<|im_start|>system\n${text}<|im_end|>\n`;

/** The marked texts of a row that is used, without a problem. */
export async function marked(
  row: object,
  reading: Partial<Reading> = {},
  tokenizer?: Tokenizer,
): Promise<string[]> {
  const report = await inspectRows(tokenizer ?? (await chatmlWithTools()), [row], reading);
  expect(report.problems).toEqual([]);
  return markedTexts(report);
}

/** Why a row is refused. */
export async function refused(row: object, reading: Partial<Reading> = {}, tokenizer?: Tokenizer) {
  const { problems, used } = await inspectRows(tokenizer ?? (await chatmlWithTools()), [row], reading);
  expect(used).toBe(0);
  const { code, message } = problems[0]!;
  return { code, message };
}
