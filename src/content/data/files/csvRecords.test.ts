import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { CsvRecords, type CsvRecord } from './csvRecords.ts';
import { ParseLog } from './jsonRow.ts';
import { readLines } from './lines.ts';
import { chunksOf } from '../../../testing/chunks.ts';

interface Case {
  text: string;
  records: string[][];
  unclosed: boolean;
}

const cases = JSON.parse(
  readFileSync(new URL('../fixtures/csv-cases.json', import.meta.url), 'utf8'),
) as Case[];

async function read(text: string | Uint8Array, chunkBytes: number) {
  const log = new ParseLog('t.csv', false, 'utf-8');
  const found: CsvRecord[] = [];
  const records = new CsvRecords(',', log, (record) => found.push(record));
  for await (const lines of readLines(chunksOf(text, chunkBytes)))
    lines.forEach((line) => records.push(line));
  records.end();
  return { found, problems: log.problems };
}

test.each([1, 3, 1 << 20])('records match Python’s csv.reader, in chunks of %i bytes', async (size) => {
  expect(cases.length).toBeGreaterThan(200);
  for (const { text, records, unclosed } of cases) {
    const { found, problems } = await read(text, size);
    expect(
      found.map(({ cells }) => cells),
      JSON.stringify(text),
    ).toEqual(records);
    expect(problems.map(({ code }) => code)).toEqual(unclosed ? ['data.csv_unclosed'] : []);
  }
});

test('records carry the line they start on, with any line endings', async () => {
  const { found } = await read('a,b\r\n"x\r\ny\rz",1\r\r\n"p\n\nq",2\nlast,3', 1);
  expect(found.map(({ line, cells }) => `${line} ${cells[1]}`)).toEqual(['1 b', '2 1', '6 2', '9 3']);
});

test('invalid UTF-8 drops its record and no other', async () => {
  const bytes = new TextEncoder()
    .encode('a,b\n"x?\ny",1\n?,2\nlast,3\n')
    .map((byte) => (byte === 0x3f ? 0xff : byte));
  const { found, problems } = await read(bytes, 1 << 20);
  expect(found.map(({ cells }) => cells)).toEqual([
    ['a', 'b'],
    ['last', '3'],
  ]);
  expect(problems.map(({ line, code }) => `${line} ${code}`)).toEqual(['2 data.bad_utf8', '4 data.bad_utf8']);
});
