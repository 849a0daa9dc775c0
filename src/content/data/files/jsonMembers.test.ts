import fc from 'fast-check';
import { expect, test } from 'vitest';
import { chunksOf } from '../../../testing/chunks.ts';
import { JsonCursor } from './jsonCursor.ts';
import { readMembers, type MembersEnd } from './jsonMembers.ts';

async function members(text: string, chunkBytes = 1 << 20) {
  const found: { key: string | null; line: number; text: string; missingComma: boolean }[] = [];
  const cursor = new JsonCursor(chunksOf(text, chunkBytes));
  const reader = readMembers(cursor);
  let next = await reader.next();
  for (; !next.done; next = await reader.next()) {
    const { key, value, missingComma } = next.value;
    found.push({ key, line: value.line, text: new TextDecoder().decode(value.bytes!), missingComma });
  }
  const end: MembersEnd = next.value;
  return { found, end };
}

test('splits any list or object into its values, in chunks of any size, with any line endings', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(fc.array(fc.jsonValue()), fc.dictionary(fc.string(), fc.jsonValue())),
      fc.integer({ min: 1, max: 9 }),
      fc.constantFrom('\n', '\r\n', '\r'),
      async (value, size, end) => {
        const text = JSON.stringify(value, null, 1).replaceAll('\n', end);
        const read = await members(text, size);
        expect(read.end).toEqual({ end: 'closed' });
        expect(read.found.map(({ text: one }) => JSON.parse(one) as unknown)).toEqual(
          Object.values(JSON.parse(JSON.stringify(value)) as object),
        );
        if (!Array.isArray(value)) expect(read.found.map(({ key }) => key)).toEqual(Object.keys(value));
        const lines = text.split(end);
        for (const { line, text: one } of read.found) expect(lines[line - 1]).toContain(one.split(end)[0]);
      },
    ),
  );
});

test('a broken value leaves intact those that start a line as it does', async () => {
  const sound = '{"a":1}';
  const spoilt = [
    '{"a" 1}',
    '{"a":"x, "b":2}',
    '{"a":"x',
    '{"a":{"b":1}',
    '{"a":[1,}',
    '{\'a\': "}"',
    'word "',
    '{"a":"x\n y"}',
  ];
  for (const bad of spoilt) {
    for (const size of [1, 7, 1 << 20]) {
      const { found } = await members(`[\n${sound},\n${bad},\n${sound},\n${sound}\n]`, size);
      const read = found.filter(({ text, missingComma }) => text === sound && !missingComma);
      expect([bad, size, read.length]).toEqual([bad, size, 3]);
      expect(found.length).toBeGreaterThan(3);
    }
  }
});

test('missing and doubled commas, and a truncated end, are reported where they are', async () => {
  const { found, end } = await members('[\n{"a":1}\n{"b":2},,\n{"c":3},\n');
  expect(found.map(({ text, line, missingComma }) => [text, line, missingComma])).toEqual([
    ['{"a":1}', 2, false],
    ['{"b":2}', 3, true],
    ['', 3, false],
    ['{"c":3}', 4, false],
  ]);
  expect(end).toEqual({ end: 'unclosed', line: 5, last: 4 });
});
