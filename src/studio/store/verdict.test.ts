import { describe, expect, it } from 'vitest';
import { repeatsItself } from './repetition.ts';
import { judge, type JudgedRun } from './verdict.ts';

const run = (changes: Partial<JudgedRun>): JudgedRun => ({
  losses: [],
  evaluations: [],
  resultStep: 40,
  samples: [],
  ...changes,
});
const evaluations = (...losses: number[]) => losses.map((loss, i) => ({ step: i * 10, loss }));
const falling = Array.from({ length: 40 }, (_, i) => 3 - i / 20);

describe('a verdict', () => {
  it('goes by held-out rows, before and after', () => {
    const verdict = judge(run({ losses: falling, evaluations: evaluations(3, 2, 1.5, 1.4, 1.3) }));
    expect(verdict.change).toEqual({ measured: 'evaluation', before: 3, after: 1.3 });
    expect(verdict).toMatchObject({ result: 'better', overfitSince: null, next: 'tryIt' });
  });

  it('without them compares tenths of the run, not two batches', () => {
    // Single batches: 2.262 at first, 4.540 at last; the run fell all the same.
    const losses = [2.262, 5, 5, 5, ...falling.slice(4, -1), 4.54];
    const verdict = judge(run({ losses }));
    expect(verdict.change).toMatchObject({ measured: 'training', before: (2.262 + 15) / 4 });
    expect(verdict.result).toBe('better');
    expect(judge(run({ losses: falling.slice(0, 9) })).result).toBe('unknown');
  });

  it('says worse of a loss that rose or is none', () => {
    expect(judge(run({ losses: falling.toReversed() }))).toMatchObject({
      result: 'worse',
      next: 'lowerRate',
    });
    expect(judge(run({ evaluations: evaluations(2, 2.2, 2.4, 3, 5) }))).toMatchObject({ result: 'worse' });
    expect(judge(run({ losses: [...falling, ...Array<null>(10).fill(null)] })).result).toBe('worse');
  });

  it('says that nothing changed', () => {
    const verdict = judge(run({ evaluations: evaluations(2, 2.005, 2.001, 2.003, 1.995) }));
    expect(verdict).toMatchObject({ result: 'same', next: 'raiseRate' });
  });

  it('sees that a run has trained too long, unless its best step is the result', () => {
    const long = { evaluations: evaluations(3, 1.5, 1.2, 1.6, 2) };
    expect(judge(run(long))).toMatchObject({
      result: 'better',
      overfitSince: { step: 20, loss: 1.2 },
      next: 'fewerSteps',
    });
    expect(judge(run({ ...long, resultStep: 20 }))).toMatchObject({ overfitSince: null, next: 'tryIt' });
    expect(judge(run({ evaluations: evaluations(3, 1.5, 1.2, 1.21, 1.22) })).overfitSince).toBeNull();
  });

  it('sees answers that repeat themselves, unless they did before', () => {
    const loop = 'I am a robot. I am a robot. I am a robot. I am a robot.';
    const samples = [
      { step: 0, prompt: 'a', text: 'Hello.' },
      { step: 0, prompt: 'b', text: loop },
      { step: 40, prompt: 'a', text: loop },
      { step: 40, prompt: 'b', text: loop },
    ];
    const good = { evaluations: evaluations(3, 2, 1.5, 1.4, 1.3) };
    expect(judge(run({ ...good, samples }))).toMatchObject({ repetition: { prompt: 'a' }, next: 'moreRows' });
    const before = samples.map((sample) => ({ ...sample, text: loop }));
    expect(judge(run({ ...good, samples: before })).repetition).toBeNull();
  });
});

describe('a text', () => {
  it.each([
    'The cat sat. The cat sat. The cat sat. The cat sat.',
    'no no no no no no no no no no',
    '好的，我知道了。好的，我知道了。好的，我知道了。好的，我知道了。',
    'and the ball and the box and the ball and the box, and the ball and the box and the ball or the box and the ball and the box',
    'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
  ])('repeats itself: %s', (text) => expect(repeatsItself(text)).toBe(true));

  it.each([
    '',
    'Ha ha ha!',
    '1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25',
    'Zip took the red ball to the lake. There he met a duck who wanted to play, so they played until it was dark and went home.',
    '从前有一个小机器人，他喜欢在湖边散步。有一天他遇到了一只鸭子，鸭子请他一起玩球，他们玩到天黑才回家。',
    '- [ ] one\n- [ ] two\n- [ ] three\n- [ ] four\n- [ ] five\n- [ ] six',
  ])('does not: %s', (text) => expect(repeatsItself(text)).toBe(false));
});
