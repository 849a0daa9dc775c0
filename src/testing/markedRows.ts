import { inspectData, type DataReport } from '../data/inspect.ts';
import { defaultReading, type Reading } from '../data/reading.ts';
import type { Tokenizer } from '../data/tokenizer.ts';
import { memorySource } from './sources.ts';

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
