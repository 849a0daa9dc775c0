import { describe, expect, it } from 'vitest';
import { gzipSync } from 'node:zlib';
import { memorySource } from '../../testing/sources.ts';
import { parseDataset } from '../data/files/parse.ts';
import { canJoin, describePart, joinedRows } from './joinData.ts';

const part = (name: string, content: string | Uint8Array) => describePart(memorySource(name, content));
const jsonl = '{"prompt":"a","completion":"b"}\n{"prompt":"c","completion":"d","id":12345678901234567890}\n';
const csv = 'prompt,completion\n"x\ny",z\n';

describe('several data files', () => {
  it('are described by their rows, fields and format', async () => {
    expect(await part('a.jsonl', `${jsonl}{broken\n`)).toEqual({
      name: 'a.jsonl',
      rows: 2,
      problems: 1,
      format: 'prompt_completion',
      fields: ['prompt', 'completion', 'id'],
    });
    expect(await part('a.csv.gz', gzipSync('frage,antwort\n1,2\n'))).toMatchObject({
      rows: 1,
      format: null,
      fields: ['frage', 'antwort'],
    });
  });

  it('join by format, or by fields where there is none', async () => {
    const [one, two] = [await part('a.jsonl', jsonl), await part('b.csv', csv)];
    const chat = await part('c.jsonl', '{"messages":[{"role":"user","content":"x"}]}\n');
    const own = await part('d.csv', 'frage,antwort\n1,2\n');
    const turned = await part('f.csv', 'antwort,frage\n1,2\n');
    const other = await part('e.csv', 'frage,notiz\n1,2\n');
    expect(canJoin([one, two])).toBe(true);
    expect(canJoin([one, chat])).toBe(false);
    expect(canJoin([own, turned])).toBe(true);
    expect(canJoin([own, other])).toBe(false);
    expect(canJoin([own, one])).toBe(false);
    expect(canJoin([one])).toBe(false);
  });

  it('become one, with every row and what is broken', async () => {
    let text = '';
    const sources = [memorySource('a.jsonl', `${jsonl}{"prompt": broken\n`), memorySource('b.csv', csv)];
    for await (const line of joinedRows(sources)) text += line;
    expect(text.split('\n')).toEqual([
      '{"prompt":"a","completion":"b"}',
      '{"prompt":"c","completion":"d","id":12345678901234567890}',
      '{"prompt": broken',
      '{"prompt":"x\\ny","completion":"z"}',
      '',
    ]);
    const parsed = await parseDataset(memorySource('joined.jsonl', text));
    expect([parsed.rows.length, parsed.problemCount]).toEqual([3, 1]);
  });
});
