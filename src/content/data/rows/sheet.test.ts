import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { memorySource } from '../../../testing/sources.ts';
import { textMatcher } from './matches.ts';
import { parseDataset } from '../files/parse.ts';
import { rowsToTokenize, withKnownTokens, type KnownTokens } from '../tokens/retokenize.ts';
import { Sheet } from './sheet.ts';
import { tokenizeRows } from '../tokens/tokenize.ts';

const file = '{"text":"one"}\n{"text": oops}\n{"text":"three"}\n\n{"text":"five"}\n';
const sheetOf = async (text: string) => new Sheet(await parseDataset(memorySource('d.jsonl', text)));
const texts = (sheet: Sheet) => sheet.includedRows().map(({ value }) => value.text);

describe('sheet', () => {
  test('lists unparsable rows among the others, for repair', async () => {
    const sheet = await sheetOf(file);
    expect(sheet.length).toBe(4);
    expect(sheet.row(1)).toBeNull();
    expect(sheet.unreadable(1)?.code).toBe('data.invalid_json');
    expect(sheet.text(1)).toBe('{"text": oops}');
    sheet.edit(1, '{"text":"two"}');
    expect(texts(sheet)).toEqual(['one', 'two', 'three', 'five']);
    expect(sheet.unreadable(1)).toBeNull();
    expect(sheet.includedRows().map((row) => sheet.positionOf(row))).toEqual([0, 1, 2, 3]);
    expect(sheet.atLine(4)).toBe(3);
    expect(sheet.atLine(99)).toBe(3);
  });

  test('edits, excludes, restores, and undoes in order; the file’s rows stay unchanged', async () => {
    const sheet = await sheetOf(file);
    sheet.edit(0, '{"text":"uno"}');
    sheet.exclude([0, 3]);
    expect(texts(sheet)).toEqual(['three']);
    expect(sheet.counts).toEqual({ edited: 0, excluded: 2, added: 0, undoable: 2 });
    sheet.exclude([3]);
    expect(sheet.counts.undoable).toBe(2);
    sheet.include(0);
    expect(texts(sheet)).toEqual(['uno', 'three']);
    sheet.restore(0);
    expect(texts(sheet)).toEqual(['one', 'three']);
    for (let i = 0; i < 4; i++) sheet.undo();
    expect(sheet.counts).toEqual({ edited: 0, excluded: 0, added: 0, undoable: 0 });
    expect(sheet.toJsonl(null).join('')).toBe('{"text":"one"}\n{"text":"three"}\n{"text":"five"}\n');
    expect(sheet.parsed.rows[0]?.value).toEqual({ text: 'one' });
  });

  test('adds rows after those of the file, and takes them back', async () => {
    const sheet = await sheetOf(file);
    expect(sheet.add('{"text":"six"}')).toBe(4);
    expect(sheet.add('{"text":"seven"}')).toBe(5);
    expect([sheet.length, sheet.fileLength]).toEqual([6, 4]);
    expect(texts(sheet)).toEqual(['one', 'three', 'five', 'six', 'seven']);
    expect(sheet.counts).toEqual({ edited: 0, excluded: 0, added: 2, undoable: 2 });
    sheet.edit(4, '{"text":"sechs"}');
    expect([sheet.isAdded(4), sheet.isEdited(4), sheet.isAdded(3)]).toEqual([true, true, false]);
    sheet.exclude([5]);
    const stored = JSON.parse(JSON.stringify(sheet.saved)) as typeof sheet.saved;
    const again = await sheetOf(file);
    again.restoreSaved(stored);
    expect(texts(again)).toEqual(['one', 'three', 'five', 'sechs']);
    expect(again.counts).toEqual({ edited: 0, excluded: 1, added: 2, undoable: 0 });
    again.include(5);
    expect(again.text(5)).toBe('{\n  "text": "seven"\n}');
    for (let i = 0; i < 4; i++) sheet.undo();
    expect([sheet.length, sheet.version > 0]).toEqual([4, true]);
    expect(texts(sheet)).toEqual(['one', 'three', 'five']);
    expect(() => sheet.add('[1]')).toThrow('JSON object');
    expect(sheet.length).toBe(4);
  });

  test('has its changes as they are stored, and makes them again on the same file', async () => {
    const sheet = await sheetOf(file);
    sheet.edit(0, '{"text":"uno","id":12345678901234567890}');
    sheet.edit(1, '{"text":"zwei"}');
    sheet.exclude([1, 3]);
    const stored = JSON.parse(JSON.stringify(sheet.saved)) as typeof sheet.saved;
    const again = await sheetOf(file);
    again.restoreSaved([...stored, { position: 99, excluded: true }]);
    expect(again.toJsonl(null)).toEqual(sheet.toJsonl(null));
    expect(again.counts).toEqual({ ...sheet.counts, undoable: 0 });
    again.include(1);
    expect(again.text(1)).toBe('{\n  "text": "zwei"\n}');
    expect(again.positionOf(again.row(0)!)).toBe(0);
    again.restore(0);
    again.restore(1);
    again.include(3);
    expect(again.saved).toEqual([]);
  });

  test('rejects values that are not objects, and says where JSON breaks', async () => {
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
    ).toEqual([true, true, true, false]);
  });

  test('reading a changed sheet equals reading the file with the changes in it', async () => {
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

test('tokens after any changes equal those of tokenizing everything again', async () => {
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
        const included = sheet.includedRows();
        const fresh = tokenizeRows({ name: 'd', rows: rowsToTokenize(included, known) }, options);
        const dataset = withKnownTokens(included, known, fresh);
        expect(dataset).toEqual(tokenizeRows({ name: 'd', rows: included }, options));
        known = { dataset, rows: included };
      }
    }),
  );
});
