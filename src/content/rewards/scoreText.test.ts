import { describe, expect, it } from 'vitest';
import { scoreText, type TextReward } from './scoreText.ts';

const reference = { answer: 'Forty-two', columns: { count: 42, unit: 'kg' } };

describe('rewards of a text', () => {
  const cases: [TextReward, string, number | null][] = [
    [{ kind: 'exact' }, ' Forty-two\n', 1],
    [{ kind: 'exact' }, 'forty-two', 0],
    [{ kind: 'exact', ignore_case: true }, 'forty-two', 1],
    [{ kind: 'exact', extract: '<answer>(.*?)</answer>' }, 'It is\n<answer>Forty-two</answer>', 1],
    [{ kind: 'exact', extract: '<answer>(.*?)</answer>' }, 'Forty-two', 0],
    [{ kind: 'exact', column: 'unit' }, 'kg', 1],
    [{ kind: 'exact', column: 'missing' }, 'kg', null],
    [{ kind: 'contains' }, 'It is Forty-two.', 1],
    [{ kind: 'contains', text: 'please' }, 'It is Forty-two.', 0],
    [{ kind: 'number', column: 'count' }, 'First 7, then 42.0', 1],
    [{ kind: 'number', column: 'count' }, 'First 42, then 7', 0],
    [{ kind: 'number', column: 'count' }, 'none', 0],
    [{ kind: 'number', column: 'count', tolerance: 1 }, '43', 1],
    [{ kind: 'number', column: 'count', tolerance: 0.01, relative: true }, '43', 0],
    [{ kind: 'number', column: 'count', tolerance: 0.05, relative: true }, '43', 1],
    [{ kind: 'number' }, '42', null],
    [{ kind: 'regex', pattern: 'a.c' }, 'xxa\ncxx', 1],
    [{ kind: 'format', pattern: 'a.c' }, 'xxa\ncxx', 0],
    [{ kind: 'format', pattern: 'abc|abcd' }, ' abcd ', 1],
    [{ kind: 'json' }, ' {"a": [1]} ', 1],
    [{ kind: 'json' }, '{"a": [1]', 0],
    [{ kind: 'json' }, '', 0],
    [{ kind: 'json', schema: { type: 'object', required: ['a'] } }, '{"a": 1}', 1],
    [{ kind: 'json', schema: { type: 'object', required: ['a'] } }, '{"b": 1}', 0],
    [{ kind: 'length', max: 4 }, 'abcd', 1],
    [{ kind: 'length', max: 4 }, 'abcde', 0.75],
    [{ kind: 'length', max: 4 }, 'abcdefghi', 0],
    [{ kind: 'length', min: 4 }, 'ab', 0.5],
    [{ kind: 'length', min: 2, max: 4, unit: 'tokens' }, 'abcdefghij', 1],
  ];
  it.each(cases)('%j of %j is %j', (definition, text, expected) => {
    expect(scoreText(definition, { text, tokens: 3 }, reference)).toBe(expected);
  });
});
