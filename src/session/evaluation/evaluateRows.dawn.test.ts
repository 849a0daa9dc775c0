import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bytesSource } from '../../base/storage/byteSource.ts';
import { expectGraftError } from '../../testing/errors.ts';
import { starter } from '../../testing/fixtures.ts';
import { openSession, nodeFolder } from '../../hosts/node/api.ts';
import type { LibrarySession } from '../librarySession.ts';
import { evaluationReport, reportCsv } from './report.ts';

let session: LibrarySession;
beforeAll(async () => {
  session = openSession();
  await session.openModel(nodeFolder(starter));
});
afterAll(() => session.close());

const jsonl = (rows: unknown[]) =>
  bytesSource('rows.jsonl', new TextEncoder().encode(rows.map((row) => JSON.stringify(row)).join('\n')));
const chat = (question: string, answer?: string) => ({
  messages: [
    { role: 'user', content: question },
    ...(answer === undefined ? [] : [{ role: 'assistant', content: answer }]),
  ],
});

const rows = [
  chat('What is the opposite of big?', 'The opposite of big is small.'),
  chat('Goodbye!', 'Three.'),
  chat('What colour is the grass?', 'It is 12 metres.'),
];

describe('evaluateRows', () => {
  it('has the answers of chat, and the loss of evaluate', async () => {
    const data = await session.readEvaluation(jsonl(rows), { maxNewTokens: 30 });
    expect(data.metrics).toEqual(['loss', 'perplexity', 'exact', 'contains', 'rouge-l', 'chrf']);
    const progress: string[] = [];
    const result = await session.evaluateRows(data, {
      strength: 0,
      onRows: ({ part, done, total }) => void progress.push(`${part} ${done}/${total}`),
    });
    for (const [i, { messages }] of rows.entries()) {
      const { text, tokens, stoppedBy } = await session.chat(messages[0]!.content, { maxNewTokens: 30 });
      expect(result.answers[i]).toMatchObject({ text, tokens, stoppedBy });
    }
    expect(progress).toEqual(expect.arrayContaining(['losses 3/3', 'answers 1/3', 'answers 3/3']));
    const { systems } = evaluationReport(data, [{ name: 'base', result }]);
    const { loss, tokens } = await session.evaluate(data.losses!.tokens);
    expect(systems[0]!.figures.loss).toBeCloseTo(loss, 5);
    expect(result.losses.reduce((sum, { weight }) => sum + weight, 0)).toBe(tokens);
    expect(systems[0]!.figures.perplexity).toBeCloseTo(Math.exp(loss), 4);
    expect(result.answers[0]!.scores.exact).toBe(1);
    expect(systems[0]!.figures.exact).toBeCloseTo(1 / 3, 12);
  });

  it('scores choices by the losses of their continuations', async () => {
    const questions = [
      { question: 'Is it day?', choices: ['yes', 'no, it is night'], answer: 0 },
      { question: 'Which?', choices: { text: ['one', 'two or three'], label: ['A', 'B'] }, answerKey: 'B' },
    ];
    const data = await session.readEvaluation(jsonl(questions));
    expect(data.metrics).toEqual(['choice']);
    const { choices } = await session.evaluateRows(data);
    for (const [i, { pairs }] of data.choices.entries()) {
      for (const [j, { context, continuation }] of pairs.entries()) {
        const ids = Int32Array.from([...context, ...continuation]);
        const labels = ids.map((id, at) => (at < context.length ? -100 : id));
        const { loss, tokens } = await session.evaluate({
          ids,
          labels,
          weights: null,
          offsets: Uint32Array.of(0, ids.length),
        });
        expect(tokens).toBe(continuation.length);
        expect(choices[i]!.logLikelihoods[j]).toBeCloseTo(-loss * tokens, 3);
      }
    }
  });

  it('refuses metrics that rows have nothing for, and names rows that cannot be used', async () => {
    const read = (of: unknown[], metrics: ('choice' | 'exact' | 'json' | 'loss')[]) => () =>
      session.readEvaluation(jsonl(of), { metrics });
    await expectGraftError(read(rows, ['exact', 'choice']), 'data.metric_without_rows', { metric: 'choice' });
    const choice = { question: 'x', choices: ['a', 'b'], answer: 0 };
    await expectGraftError(read([choice], ['loss']), 'data.metric_without_rows', { metric: 'loss' });
    await expectGraftError(read([chat('Hello')], ['exact']), 'data.metric_without_rows', { metric: 'exact' });
    expect((await read([chat('Hello')], ['json'])()).answers).toHaveLength(1);
    const long = chat('word '.repeat(600), 'x');
    const { answers, problems } = await read([...rows, long], ['exact'])();
    expect(answers).toHaveLength(3);
    expect(problems).toMatchObject([{ line: 4, error: { code: 'infer.prompt_too_long' } }]);
    await expectGraftError(read([{ ...choice, answer: 'Z' }], ['choice']), 'data.choices_invalid', {
      line: 1,
    });
  });

  it('ends when it is told to', async () => {
    const data = await session.readEvaluation(jsonl(rows));
    const stopping = new AbortController();
    const onRows = () => stopping.abort(new Error('enough'));
    await expect(session.evaluateRows(data, { onRows, signal: stopping.signal })).rejects.toThrow('enough');
  });
});

describe('a report', () => {
  it('has differing rows first, differences with intervals, and all of it as CSV', async () => {
    const data = await session.readEvaluation(jsonl(rows), { metrics: ['loss', 'exact', 'number'] });
    const base = await session.evaluateRows(data);
    const changed = structuredClone(base);
    changed.answers[2] = {
      text: 'It is, say,\n"12" metres.',
      tokens: 9,
      stoppedBy: 'length',
      scores: { exact: 0, number: 1 },
    };
    changed.losses[0]!.value += 3;
    const systems = [
      { name: 'base', result: base },
      { name: 'tuned', result: changed },
    ];
    const report = evaluationReport(data, systems, { seed: 3 });
    expect(report.rows.map(({ line, differs }) => [line, differs])).toEqual([
      [3, true],
      [1, false],
      [2, false],
    ]);
    const [first, second] = report.systems;
    expect(first!.differences).toBeNull();
    const { number, exact, loss } = second!.differences!;
    expect(number).toEqual({ difference: 1 / 3, low: 0, high: 1 });
    expect(exact).toEqual({ difference: 0, low: 0, high: 0 });
    expect(loss!.difference).toBeGreaterThan(0);
    expect(second!.cut).toBe(first!.cut + 1);
    const [head, row] = reportCsv(report).split('\r\n');
    expect(head).toBe(
      'line,prompt,expected,differs,answer (base),loss (base),exact (base),number (base),' +
        'answer (tuned),loss (tuned),exact (tuned),number (tuned)',
    );
    expect(row).toContain('3,What colour is the grass?,It is 12 metres.,true,');
    expect(row).toContain('"It is, say,\n""12"" metres."');
    expect(evaluationReport(data, systems, { seed: 3 })).toEqual(report);
  });
});
