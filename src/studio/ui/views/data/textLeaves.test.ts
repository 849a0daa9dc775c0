import fc from 'fast-check';
import { expect, it } from 'vitest';
import { pathName, textLeaves, withLeaf } from './textLeaves.ts';

it('finds every text and changes only one', () => {
  const row = { messages: [{ role: 'user', content: 'a' }], n: 3, none: null, tags: ['x', 'y'] };
  expect(textLeaves(row).map(({ path, text }) => [pathName(path), text])).toEqual([
    ['messages[0].role', 'user'],
    ['messages[0].content', 'a'],
    ['tags[0]', 'x'],
    ['tags[1]', 'y'],
  ]);
  expect(withLeaf(row, ['messages', 0, 'content'], 'b')).toEqual({
    ...row,
    messages: [{ role: 'user', content: 'b' }],
  });
});

it('round-trips any value', () => {
  fc.assert(
    fc.property(
      fc.dictionary(
        fc.string().filter((key) => key !== '__proto__'),
        fc.jsonValue(),
      ),
      (value) => {
        const row = JSON.parse(JSON.stringify(value)) as unknown;
        for (const { path, text } of textLeaves(row)) expect(withLeaf(row, path, text)).toEqual(row);
      },
    ),
  );
});
