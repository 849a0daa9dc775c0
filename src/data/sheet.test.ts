import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { memorySource } from '../testing/sources.ts';
import { textMatcher } from './matches.ts';
import { parseDataset } from './parse.ts';
import { rowsToTokenize, withKnownTokens, type KnownTokens } from './retokenize.ts';
import { Sheet } from './sheet.ts';
import { tokenizeRows } from './tokenize.ts';

const file = '{"text":"one"}\n{"text": oops}\n{"text":"three"}\n\n{"text":"five"}\n';
const sheetOf = async (text: string) => new Sheet(await parseDataset(memorySource('d.jsonl', text)));
const texts = (sheet: Sheet) => sheet.kept().map(({ value }) => value.text);

describe('sheet', () => {
  test('places rows that can’t be read among the others, to be repaired', async () => {
    const sheet = await sheetOf(file);
    expect(sheet.length).toBe(4);
    expect(sheet.row(1)).toBeNull();
    expect(sheet.unreadable(1)?.code).toBe('data.invalid_json');
    expect(sheet.text(1)).toBe('{"text": oops}');
    sheet.edit(1, '{"text":"two"}');
    expect(texts(sheet)).toEqual(['one', 'two', 'three', 'five']);
    expect(sheet.unreadable(1)).toBeNull();
    expect(sheet.kept().map((row) => sheet.positionOf(row))).toEqual([0, 1, 2, 3]);
    expect(sheet.atLine(4)).toBe(3);
    expect(sheet.atLine(99)).toBe(3);
  });

  test('edits, excludes, restores, and takes back in order; the file’s rows stay as they are', async () => {
    const sheet = await sheetOf(file);
    sheet.edit(0, '{"text":"uno"}');
    sheet.exclude([0, 3]);
    expect(texts(sheet)).toEqual(['three']);
    expect(sheet.counts).toEqual({ edited: 0, excluded: 2, undoable: 2 });
    sheet.exclude([3]);
    expect(sheet.counts.undoable).toBe(2);
    sheet.include(0);
    expect(texts(sheet)).toEqual(['uno', 'three']);
    sheet.restore(0);
    expect(texts(sheet)).toEqual(['one', 'three']);
    for (let i = 0; i < 4; i++) sheet.undo();
    expect(sheet.counts).toEqual({ edited: 0, excluded: 0, undoable: 0 });
    expect(sheet.toJsonl(null).join('')).toBe('{"text":"one"}\n{"text":"three"}\n{"text":"five"}\n');
    expect(sheet.parsed.rows[0]?.value).toEqual({ text: 'one' });
  });

  test('refuses what is no object, and says where JSON breaks', async () => {
    const sheet = await sheetOf(file);
    expect(() => sheet.edit(0, '[1]')).toThrow(/a list, not a JSON object/);
    expect(() => sheet.edit(0, '{')).toThrow(/not valid JSON/);
    expect(sheet.counts.edited).toBe(0);
  });

  test('numbers stay as they are written', async () => {
    const line = '{"text":"a","id":12345678901234567890,"t":1.0}\n';
    const sheet = await sheetOf(line);
    expect(sheet.toJsonl(null).join('')).toBe(line);
    expect(sheet.text(0)).toBe('{\n  "text": "a",\n  "id": 12345678901234567890,\n  "t": 1.0\n}');
    sheet.edit(0, sheet.text(0).replace('1.0', '2.0'));
    expect(sheet.toJsonl(null).join('')).toBe(line.replace('1.0', '2.0'));
    expect(
      ['12345678901234567890', '2.0', '2', '1'].map((text) => textMatcher(text)(sheet.row(0)?.value)),
    ).toEqual([...[true, true, true, false]]);
  });

  test('what was changed and read again is the same as the file with the changes in it', async () => {
    const sheet = await sheetOf('{"question":"a","answer":"b"}\n{"question":"c","answer":"d"}\n');
    sheet.edit(1, '{"question":"c","answer":"D"}');
    const mapping = { kind: 'prompt', system: null, prompt: ['question'], response: 'answer' } as const;
    const again = await parseDataset(memorySource('again.jsonl', sheet.toJsonl(mapping).join('')));
    expect(again.rows[1]?.value).toEqual({
      messages: [
        { role: 'user', content: 'c' },
        { role: 'assistant', content: 'D' },
      ],
    });
  });
});

test('tokens after any changes are those of tokenizing everything again', async () => {
  const options = { format: 'tokenized', tokenizer: null, maxLength: 5, vocabSize: 50 } as const;
  const ids = fc.array(fc.integer({ min: 0, max: 55 }), { maxLength: 8 });
  const step = fc.oneof(
    fc.record({ at: fc.nat(), edit: ids }),
    fc.record({ at: fc.nat(), exclude: fc.constant(true) }),
    fc.constant('undo' as const),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(ids, { minLength: 1 }), fc.array(step), async (rows, steps) => {
      const sheet = await sheetOf(rows.map((row) => `${JSON.stringify({ input_ids: row })}\n`).join(''));
      let known: KnownTokens | null = null;
      for (const next of ['start' as const, ...steps]) {
        if (next === 'undo') sheet.undo();
        else if (next !== 'start') {
          const position = next.at % sheet.length;
          if ('edit' in next) sheet.edit(position, JSON.stringify({ input_ids: next.edit }));
          else sheet.exclude([position]);
        }
        const kept = sheet.kept();
        const fresh = tokenizeRows({ name: 'd', rows: rowsToTokenize(kept, known) }, options);
        const dataset = withKnownTokens(kept, known, fresh);
        expect(dataset).toEqual(tokenizeRows({ name: 'd', rows: kept }, options));
        known = { dataset, rows: kept };
      }
    }),
  );
});
