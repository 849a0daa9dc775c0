import { describe, expect, it } from 'vitest';
import { parseDataset } from '../../content/data/files/parse.ts';
import { memorySource } from '../../testing/sources.ts';
import { batchCsv, isExact, sideReport } from './batchReport.ts';
import type { BatchAnswer, BatchRow } from './state/batch.ts';

function answered(text: string, tokens: number, stoppedBy: 'end' | 'length' = 'end'): BatchAnswer {
  const by = { model: 'm', kind: 'base' as const };
  return { kind: 'answer', answer: { text, tokens, tokensPerSecond: 1, stoppedBy, by } };
}

const failed: BatchAnswer = {
  kind: 'failed',
  error: { code: null, params: {}, message: 'no', detail: 'no' },
};

function row(text: string, expected: string | null, left: BatchAnswer, right: BatchAnswer = null): BatchRow {
  const prompt = {
    line: 1,
    prompt: { kind: 'chat' as const, messages: [], templateArgs: {} },
    expected,
    text,
  };
  return { prompt, answers: { left, right }, added: [] };
}

describe('a batch', () => {
  it('reports what it measured of each side, and nothing else', () => {
    const rows = [
      row('a', 'Ahoy', answered(' Ahoy\n', 2)),
      row('b', 'Ahoy', answered('ahoy', 4, 'length')),
      row('c', null, answered('x', 6)),
      row('d', 'Ahoy', failed),
      row('e', 'Ahoy', null),
    ];
    expect(sideReport(rows, 'left')).toEqual({
      answered: 3,
      compared: 2,
      exact: 1,
      meanTokens: 4,
      cut: 1,
      failed: 1,
    });
    expect(sideReport(rows, 'right')).toMatchObject({ answered: 0, meanTokens: null, exact: 0 });
  });

  it('compares answers without their thoughts, otherwise to the character', () => {
    expect(isExact('<think>Hm.</think>\nAhoy', 'Ahoy')).toBe(true);
    expect(isExact('Ahoy', '<think>So.</think>Ahoy ')).toBe(true);
    expect(isExact('Ahoy.', 'Ahoy')).toBe(false);
  });

  it('is written as CSV that reads back exactly', async () => {
    const odd = 'a "b", c\r\nd\n=1+1 é';
    const rows = [row(odd, null, answered(odd, 1), answered('', 0)), row('plain', odd, null, failed)];
    const csv = batchCsv(rows, ['left', 'right'], ['line', 'prompt', 'expected', 'Base model', 'Tuned']);
    expect(csv.startsWith('line,prompt,expected,Base model,Tuned\r\n1,"a ""b"", c\r\nd\n=1+1 é",,')).toBe(
      true,
    );
    expect(csv.endsWith('\r\n')).toBe(true);
    const { rows: read } = await parseDataset(memorySource('answers.csv', csv));
    expect(read.map(({ value }) => Object.values(value))).toEqual([
      ['1', odd, '', odd, ''],
      ['1', 'plain', odd, '', ''],
    ]);
  });
});
