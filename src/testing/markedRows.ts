import { expect } from 'vitest';
import { previewRow } from '../content/data/checks/preview.ts';
import { dataReport, type DataReport } from '../content/data/dataset/dataReport.ts';
import { inspectData } from '../content/data/dataset/inspect.ts';
import { localTokenizer } from '../content/data/dataset/rowTokenizer.ts';
import { defaultReading, type Reading } from '../base/config/reading.ts';
import type { Tokenizer } from '../content/data/tokenizer/tokenizer.ts';
import { memorySource } from './sources.ts';
import { fixture, qwenTokenizer } from './tokenizers.ts';

/** How training sees some rows, as `graft data` reports it, for tests. */
export async function inspectRows(
  tokenizer: Tokenizer | null,
  rows: readonly object[],
  reading: Partial<Reading> = {},
): Promise<DataReport> {
  const source = memorySource('rows.jsonl', rows.map((row) => JSON.stringify(row)).join('\n'));
  const how = { reading: { ...defaultReading, ...reading }, maxLength: 4096, vocabSize: 1e6 };
  const inspection = await inspectData(async () => source, { ...how, tokenizer: localTokenizer(tokenizer) });
  const preview = async (ids: Int32Array, labels: Int32Array) =>
    previewRow({ ids, labels, offsets: Uint32Array.of(0, ids.length) }, 0, tokenizer);
  return dataReport(inspection, preview, rows.length * 4);
}

/** The rows' texts with trained parts in double brackets. */
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

/** ChatML with tools, tool calls and thoughts, of which it renders those after the last question. */
export const chatmlWithTools = () => qwenTokenizer(fixture('tools.jinja'));

/** ChatML without support for tools and thoughts. */
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

/** Turns rendered in ChatML: the user's and the system's completely, the assistant's up to the line break after it. */
export const userTurn = (text: string) => `<|im_start|>user\n${text}<|im_end|>\n`;
export const assistantTurn = (text: string) => `<|im_start|>assistant\n${text}\n`;
export const systemTurn = (text: string) => `<|im_start|>system\n${text}<|im_end|>\n`;

/** The marked texts of a row that is used without a problem. */
export async function marked(
  row: object,
  reading: Partial<Reading> = {},
  tokenizer?: Tokenizer,
): Promise<string[]> {
  const report = await inspectRows(tokenizer ?? (await chatmlWithTools()), [row], reading);
  expect(report.problems).toEqual([]);
  return markedTexts(report);
}

/** Why a row is rejected. */
export async function refused(row: object, reading: Partial<Reading> = {}, tokenizer?: Tokenizer) {
  const { problems, used } = await inspectRows(tokenizer ?? (await chatmlWithTools()), [row], reading);
  expect(used).toBe(0);
  const { code, message } = problems[0]!;
  return { code, message };
}
