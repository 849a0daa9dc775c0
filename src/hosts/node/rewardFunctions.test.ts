import { afterEach, expect, it } from 'vitest';
import { expectGraftError } from '../../testing/errors.ts';
import type { FunctionInput, RewardFunctions } from '../../content/rewards/functions.ts';
import { nodeRewardFunctions } from './rewardFunctions.ts';

let running: RewardFunctions | null = null;
afterEach(() => running?.end());

const input = (text: string): FunctionInput => ({
  text,
  row: { answer: 'yes', columns: { level: 3 }, tokens: 2, ended: true },
});

function scores(sources: string[], texts: string[], seconds = 30) {
  running = nodeRewardFunctions(sources.map((source, i) => ({ name: `f${i}`, source, seconds })));
  return running.score(texts.map(input));
}

it('functions get the text and what is known of its row, and return numbers', async () => {
  const sources = [
    '(text, row) => Number(text.includes(row.answer))',
    'function reward(text, { columns, tokens, ended }) { return columns.level + tokens + Number(ended); } // done',
  ];
  expect(await scores(sources, ['yes!', 'no'])).toEqual([
    [1, 6],
    [0, 6],
  ]);
  // The same thread again.
  expect(await running!.score([input('yes')])).toEqual([[1, 6]]);
});

it('finds none of the language’s objects that take memory beside the heap', async () => {
  const all = await scores(
    [
      '() => Object.getOwnPropertyNames(globalThis).filter((name) => /.Array|Buffer|^(?:Web|Intl)/.test(name)).length',
    ],
    ['a'],
  );
  expect(all).toEqual([[0]]);
});

it('one that throws, or returns something else, has no opinion of that answer', async () => {
  const sources = [
    '(text) => { if (text === "a") throw new Error("no"); return 1; }',
    '(text) => text',
    '() => NaN',
  ];
  expect(await scores(sources, ['a', 'b'])).toEqual([
    [null, null, null],
    [1, null, null],
  ]);
});

it.each([
  ['(', 'Unexpected'],
  ['3', 'not an expression whose value is a function'],
  ['() => { throw new Error("never"); }', 'it throws for every answer: never'],
  ['() => { throw { get message() { while (true); } }; }', 'it throws for every answer'],
  ['() => { while (true); }', 'longer than 0.2 s'],
  ['(() => { while (true); })()', 'Script execution timed out'],
  ['() => { const all = []; while (true) all.push(new Array(1e5).fill(all.length)); }', '128 MB'],
  // Memory beside the heap is not counted, so there is none.
  ['() => new Uint8Array(4e8).fill(1).length', 'Uint8Array is not defined'],
  ['() => new ArrayBuffer(4e8).byteLength', 'ArrayBuffer is not defined'],
  ['() => new WebAssembly.Memory({ initial: 6000 }).buffer.byteLength', 'WebAssembly is not defined'],
  ['() => new Intl.DateTimeFormat().format(0).length', 'Intl is not defined'],
  // There is nothing of Node's.
  ['() => process.env.HOME.length', 'process is not defined'],
  ['() => require("fs").readdirSync("/").length', 'require is not defined'],
  ['() => fetch("http://localhost")', 'fetch is not defined'],
  [
    '() => globalThis.constructor.constructor("return process")().pid',
    'Code generation from strings disallowed',
  ],
])('%s is an error that says why', async (source, detail) => {
  // Only what never ends needs to be ended soon.
  const seconds = /longer than|timed out/.test(detail) ? 0.2 : 30;
  const work = () => scores([source], ['a', 'b'], seconds);
  await expectGraftError(work, 'train.reward_failed', {
    name: 'f0',
    detail: expect.stringContaining(detail) as string,
  });
});
