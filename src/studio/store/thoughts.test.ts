import { expect, it } from 'vitest';
import { splitThought } from './thoughts.ts';

it.each([
  ['Ahoy', null, 'Ahoy'],
  ['<think>\nHm.\n</think>\n\nAhoy', 'Hm.', 'Ahoy'],
  // The opening tag was in the prompt.
  ['Hm.</think>Ahoy', 'Hm.', 'Ahoy'],
  // Still thinking, or cut off while it did.
  ['<think>Hm', 'Hm', ''],
  ['<think></think>Ahoy', '', 'Ahoy'],
  ['a </think> b </think> c', 'a', 'b </think> c'],
])('splits %j', (text, thought, answer) => {
  expect(splitThought(text)).toEqual({ thought, answer });
});
