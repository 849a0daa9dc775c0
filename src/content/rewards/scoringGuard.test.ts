import { afterEach, expect, it } from 'vitest';
import { startScoring } from '../../hosts/node/startScoring.ts';
import { expectGraftError } from '../../testing/errors.ts';
import { ScoringGuard } from './scoringGuard.ts';
import { scoringInThread, type NamedReward } from './scoringService.ts';

const guards: ScoringGuard[] = [];
afterEach(() => guards.splice(0).forEach((guard) => guard.end()));

function guard(...how: ConstructorParameters<typeof ScoringGuard>): ScoringGuard {
  const made = new ScoringGuard(...how);
  guards.push(made);
  return made;
}

const row = { answer: 'b', columns: { hint: 'aab' } };
const text = (written: string) => ({ text: written, tokens: 2, row });
const rewards: NamedReward[] = [
  { name: 'same', definition: { kind: 'exact' } },
  { name: 'form', definition: { kind: 'format', pattern: 'a+b' } },
  { name: 'part', definition: { kind: 'exact', extract: '(b)' } },
  { name: 'object', definition: { kind: 'json', schema: { properties: { x: { pattern: '^a' } } } } },
];
/** Its steps double with each further letter. */
const BOMB = '(a+)+$';
const bomb = `${'a'.repeat(60)}!`;

it.each([
  ['a thread', startScoring],
  ['the caller’s thread', scoringInThread],
])('rewards and metrics are those of scoreText and scoreAnswer, in %s', async (_, start) => {
  const scoring = guard(start, 1e9);
  expect(await scoring.rewards(rewards, [text('aab'), text('b'), text('{"x": "ab"}')])).toEqual([
    [0, 1, 1, 0],
    [1, 0, 1, 0],
    [0, 0, 1, 1],
  ]);
  const options = { regex: /^\d+$/u, schema: { type: 'string', pattern: '^a' } };
  const answers = [
    { answer: '12', expected: '12' },
    { answer: '"ab"', expected: 'b' },
  ];
  expect(await scoring.answers(['exact', 'regex', 'schema'], options, answers)).toEqual([
    [1, 1, 0],
    [0, 0, 1],
  ]);
});

it('starts no thread where no expression is tried', async () => {
  const none = () => {
    throw new Error('it was started');
  };
  const scoring = guard(none);
  expect(await scoring.rewards(rewards.slice(0, 1), [text('b')])).toEqual([[1]]);
  const options = { schema: { type: 'number' } };
  expect(await scoring.answers(['schema'], options, [{ answer: '1', expected: '' }])).toEqual([[1]]);
});

it('an expression that does not end is ended, by its name; the next call has another thread', async () => {
  const scoring = guard(startScoring);
  const hanging: NamedReward[] = [{ name: 'bomb', definition: { kind: 'regex', pattern: BOMB } }];
  await expectGraftError(
    () => scoring.rewards([...rewards, ...hanging], [text(bomb)]),
    'data.expression_hangs',
    {
      name: 'bomb',
      seconds: 2,
    },
  );
  const options = { regex: new RegExp(BOMB, 'u') };
  const answers = [{ answer: bomb, expected: '' }];
  await expectGraftError(() => scoring.answers(['regex'], options, answers), 'data.expression_hangs', {
    name: 'regex',
  });
  const schema = { properties: { x: { pattern: BOMB } } };
  const nested = [{ answer: JSON.stringify({ x: bomb }), expected: '' }];
  await expectGraftError(() => scoring.answers(['schema'], { schema }, nested), 'data.expression_hangs');
  expect(await scoring.rewards(hanging, [text('aaa')])).toEqual([[1]]);
});
