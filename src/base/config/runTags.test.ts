import { expect, it } from 'vitest';
import { parseTags } from './runTags.ts';

it.each([
  ['', []],
  ['  ', []],
  ['baseline', ['baseline']],
  ['baseline, short  run ,', ['baseline', 'short run']],
  ['a,A,b', ['a', 'b']],
  ['基线，短', ['基线', '短']],
  ['x'.repeat(40), ['x'.repeat(32)]],
  [Array.from({ length: 20 }, (_, i) => i).join(','), Array.from({ length: 12 }, (_, i) => String(i))],
])('“%s” are the tags %j', (text, tags) => {
  expect(parseTags(text)).toEqual(tags);
});
