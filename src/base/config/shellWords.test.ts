import { describe, expect, it } from 'vitest';
import { shellArithmetic } from './shellArithmetic.ts';
import { shellCommands } from './shellWords.ts';

const words = (script: string) => shellCommands(script).map((command) => command.words);

describe('shell commands', () => {
  it('are separated by lines and operators, without their redirections', () => {
    expect(words('a 1; b 2 && c|d\n# no\ne f # no\ng')).toEqual([
      ['a', '1'],
      ['b', '2'],
      ['c'],
      ['d'],
      ['e', 'f'],
      ['g'],
    ]);
    expect(words('a --x 1 2>&1 | tee log')).toEqual([
      ['a', '--x', '1'],
      ['tee', 'log'],
    ]);
    expect(words('a >out 2> err &>all < in --x')).toEqual([['a', '--x']]);
    expect(words('a \\\n  b \\\r\n c')).toEqual([['a', 'b', 'c']]);
    expect(words(`a 'x; y' "z | w" v\\;`)).toEqual([['a', 'x; y', 'z | w', 'v;']]);
    expect(words('a `# the base` b')).toEqual([['a', 'b']]);
  });

  it('have the script’s variables expanded', () => {
    expect(words('A=1; B=$A$A\nc $B "${A}x" \'$A\'').at(-1)).toEqual(['c', '11', '1x', '$A']);
    expect(words('A=1\nA=2\nb $A').at(-1)).toEqual(['b', '2']);
    expect(words('A=1 b $A').at(-1)).toEqual(['A=1', 'b', '$A']);
    expect(words('b ${A:-5} ${A-6} $((1+2)) $(date +%F) $A')).toEqual([
      ['b', '5', '6', '3', '$(date +%F)', '$A'],
    ]);
    expect(words('A=1\nA=$1\nb $A').at(-1)).toEqual(['b', '1']);
    expect(words('A=1\nif x; then\n  A=2\nfi\nb $A').at(-1)).toEqual(['b', '$A']);
    expect(words('A=1\nfor i in 1 2; do A=2; done\nb $A').at(-1)).toEqual(['b', '$A']);
  });
});

it('evaluate integer arithmetic like a shell', () => {
  const variables = new Map(Object.entries({ A: '16', F: '1e-4', NEG: '-3' }));
  const value = (expression: string) => shellArithmetic(expression, variables);
  expect(
    ['A*2', '$A + ${A}', '2+3*4', '(2+3)*4', '7/2', '-7/2', '7%4', '2**3**2', 'NEG-1'].map(value),
  ).toEqual([32, 32, 14, 20, 3, -3, 3, 512, -4]);
  expect(['B*2', 'F*2', '1/0', 'A <<1', '(1', '', '010', 'A=2'].map(value)).toEqual(
    Array<null>(8).fill(null),
  );
  for (const [open, close] of [
    ['(', ')'],
    ['-', ''],
    ['2 ** ', ''],
  ] as const) {
    expect(value(`${open.repeat(100_000)}1${close.repeat(100_000)}`)).toBeNull();
  }
  expect(value(`${'('.repeat(100)}1${')'.repeat(100)}`)).toBe(1);
});
