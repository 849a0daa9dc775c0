import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../base/lib/random.ts';
import { NEW_STATE } from '../../kernels/segmentPool.ts';
import { rowsFor, Schedule, type ScheduledText } from './schedule.ts';
import { SegmentSpace } from './segmentSpace.ts';
import { sharedGroups } from './sharing.ts';

/**
 * Runs a schedule on pools that remember which text each row and state belongs to: every part must find exactly what comes
 * before it. Token n of an answer is 1000 + n. Returns the order in which texts end, and the most that ran at once.
 */
function runAll(
  texts: readonly ScheduledText[],
  options: ConstructorParameters<typeof Schedule>[1],
  lengths: readonly number[],
) {
  const schedule = new Schedule(texts, options);
  const keys: (string | undefined)[] = [];
  const states: (string | undefined)[] = [];
  const answers = texts.map((): number[] => []);
  const ended: number[] = [];
  let most = 0;
  let tokens = 0;
  while (!schedule.done) {
    const parts = schedule.next();
    const before = [...states];
    // What is written in a step, each once.
    const written = parts.flatMap(({ row, ids }) => ids.map((_, i) => row + i));
    expect(new Set(written).size).toBe(written.length);
    expect(new Set(parts.map(({ to }) => to)).size).toBe(parts.length);
    const rowsBefore = [...keys];
    for (const part of parts) {
      const { ids, position, row, shared, own, from, to } = part;
      tokens += ids.length;
      const textBefore = Array.from({ length: position }, (_, i) =>
        i < shared.rows ? rowsBefore[shared.start + i] : rowsBefore[own + i - shared.rows],
      );
      const known = from === NEW_STATE ? '' : before[from];
      // Each row holds the text up to it, so the last is all of it.
      expect(textBefore.at(-1) ?? '').toBe(known);
      ids.forEach((id, i) => {
        const all = `${i === 0 ? known : keys[row + i - 1]},${id}`;
        keys[row + i] = all;
        states[to] = all;
      });
      expect(row).toBe(own + position - shared.rows);
    }
    const wanted = parts.filter(({ request }) => request !== null);
    most = Math.max(most, wanted.length);
    for (const { request, to } of wanted) {
      const { prompt } = texts[request!]!;
      const answer = answers[request!]!;
      expect(states[to]).toBe(['', ...prompt, ...answer].join());
      answer.push(1000 + answer.length);
      if (answer.length === lengths[request!]) {
        schedule.end(request!);
        ended.push(request!);
      } else schedule.append(request!, answer.at(-1)!);
    }
  }
  expect(answers.map((answer) => answer.length)).toEqual(lengths);
  return { ended, most, tokens };
}

const text = (length: number, seed = 0) => Array.from({ length }, (_, i) => (i * 31 + seed * 17) % 97);

describe('a schedule', () => {
  it('runs what fits together, and what waits in its place', () => {
    const texts = [3, 5, 2, 4].map((length, i) => ({ prompt: text(length, i + 1), maxTokens: 6 }));
    const size = { keys: rowsFor(texts, 2).most, states: 4 };
    const { ended, most } = runAll(texts, { size, sequences: 2, stepTokens: 100 }, [6, 2, 3, 1]);
    expect(most).toBe(2);
    expect(ended).toEqual([1, 2, 0, 3]);
  });

  it('computes what prompts begin with alike once', () => {
    const begin = text(40);
    const texts = [1, 2, 3, 4].map((n) => ({ prompt: [...begin, 200 + n, 300 + n], maxTokens: 3 }));
    const options = { size: { keys: 400, states: 8 }, sequences: 4, stepTokens: 64 };
    const { tokens } = runAll(texts, options, [3, 3, 3, 3]);
    expect(tokens).toBe(40 + 4 * 2 + 4 * 2);
    const same = texts.map(() => ({ prompt: begin, maxTokens: 3 }));
    expect(runAll(same, options, [3, 3, 3, 3]).tokens).toBe(39 + 4 + 4 * 2);
  });

  it('finishes any texts in the smallest pools, whatever is shared', () => {
    const random = createRandom(7);
    for (let trial = 0; trial < 60; trial++) {
      const begins = [[], text(20, 1), text(33, 2)];
      const texts = Array.from({ length: 1 + random.below(20) }, (): ScheduledText => {
        const begin = trial % 3 === 0 ? begins[1]! : begins[random.below(3)]!;
        const own = random.below(3) === 0 ? [7] : text(1 + random.below(12), 3 + random.below(4));
        return { prompt: [...begin, ...own], maxTokens: 1 + random.below(9) };
      });
      const sequences = 1 + random.below(5);
      const { most, fewest } = rowsFor(texts, sequences);
      expect(most).toBeGreaterThanOrEqual(fewest);
      const keys = random.below(2) === 0 ? fewest : most;
      const size = { keys, states: Math.max(2, sequences + random.below(2)) };
      const lengths = texts.map(({ maxTokens }) => 1 + random.below(maxTokens));
      runAll(texts, { size, sequences, stepTokens: 1 + random.below(40) }, lengths);
    }
  });
});

describe('what is shared', () => {
  it('is all but the last token of equal prompts, and what the others have in common', () => {
    const begin = text(20);
    const prompts = [
      [...begin, 1],
      [5, 6],
      [...begin, 2, 3],
      [5, 6],
    ];
    expect(sharedGroups(prompts)).toEqual([
      { members: [0, 2], shared: 20 },
      { members: [1, 3], shared: 1 },
    ]);
    expect(sharedGroups([[1], [1]])).toEqual([
      { members: [0], shared: 0 },
      { members: [1], shared: 0 },
    ]);
    // A prompt that is the beginning of another keeps a token of its own.
    expect(sharedGroups([begin, [...begin, 1]])).toEqual([{ members: [0, 1], shared: 19 }]);
    expect(sharedGroups([text(9), [...text(9), 1]]).every(({ shared }) => shared === 0)).toBe(true);
    expect(sharedGroups([])).toEqual([]);
  });
});

it('free rows are found again, as one run', () => {
  const space = new SegmentSpace(10);
  const [a, b, c] = [space.take(3)!, space.take(4)!, space.take(3)!];
  expect([a, b, c].map(({ start }) => start)).toEqual([0, 3, 7]);
  expect(space.take(1)).toBeNull();
  expect(space.take(0)).toBeNull();
  space.give(a);
  space.give(c);
  expect(space.freeRows).toBe(6);
  expect(space.take(4)).toBeNull();
  space.give(b);
  expect(space.take(10)).toEqual({ start: 0, rows: 10 });
});
