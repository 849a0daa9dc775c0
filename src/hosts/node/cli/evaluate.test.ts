import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fail, succeed, scratchFolder } from '../../../testing/cli.ts';
import { goldenPath, starter } from '../../../testing/fixtures.ts';

const evaluate = ['evaluate', '--model', starter];

const folder = scratchFolder();

/** Rows as lines of a new file. */
function dataFile(rows: readonly unknown[]): string {
  const path = join(folder, `${randomUUID()}.jsonl`);
  writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return path;
}

const rows = [
  { prompt: 'What is the opposite of big?', completion: 'The opposite of big is small.' },
  { prompt: 'Goodbye!', completion: 'Goodbye! See you soon.' },
];

interface Report {
  systems: {
    name: string;
    figures: Record<string, number>;
    differences: Record<string, { difference: number; low: number; high: number }> | null;
  }[];
}

describe('evaluate', () => {
  it('compares adapters with the model, and writes all rows', async () => {
    const [json, csv] = [join(folder, 'report.json'), join(folder, 'rows.csv')];
    const data = dataFile(rows);
    const adapters = [
      goldenPath('starter-lora', 'init_adapter'),
      goldenPath('starter-lora', 'final_adapter'),
    ];
    const written = ['--json', json, '--csv', csv, '--max-new-tokens', '24'];
    const args = [...evaluate, '--data', data, '--adapters', adapters.join(), ...written];
    const printed = JSON.parse(await succeed(args)) as Report & { rows: number };
    expect(printed.rows).toBe(2);
    const [base, initial, final] = printed.systems;
    expect(printed.systems.map(({ name }) => name)).toEqual(['base', 'init_adapter', 'final_adapter']);
    expect(base!.differences).toBeNull();
    expect(base!.figures.exact).toBe(1);
    // B is zero at the beginning.
    expect(initial!.figures).toEqual(base!.figures);
    expect(initial!.differences!.loss).toEqual({ difference: 0, low: 0, high: 0 });
    const { difference, low, high } = final!.differences!.loss!;
    expect(difference).toBeCloseTo(final!.figures.loss! - base!.figures.loss!, 12);
    expect(difference).not.toBe(0);
    expect(low <= difference && difference <= high).toBe(true);
    // The same loss as that of `eval`, over the same targets.
    const evaluated = JSON.parse(
      await succeed(['eval', '--model', starter, '--adapter', adapters[1]!, '--data', data]),
    ) as { loss: number };
    expect(final!.figures.loss).toBeCloseTo(evaluated.loss, 5);
    const report = JSON.parse(readFileSync(json, 'utf8')) as Report & { rows: { line: number }[] };
    expect(report.systems).toEqual(printed.systems);
    expect(report.rows.map(({ line }) => line).sort()).toEqual([1, 2]);
    expect(readFileSync(csv, 'utf8').split('\r\n')[0]).toMatch(
      /^line,prompt,expected,differs,answer \(base\),loss/,
    );
    expect(await fail(args)).toMatch(/report\.json/);
  });

  it('checks answers by a pattern, a schema and their numbers, and questions by likelihood', async () => {
    const checks = [
      '--metrics',
      'schema,number,regex',
      '--regex',
      'small|soon',
      '--schema',
      '{"type": "object"}',
    ];
    const data = dataFile([...rows, { prompt: 'Name a number.', completion: '7' }]);
    const some = ['--limit', '2', '--batch', '1', '--max-new-tokens', '24'];
    const { systems } = JSON.parse(
      await succeed([...evaluate, '--data', data, ...checks, ...some]),
    ) as Report;
    expect(systems[0]!.figures).toEqual({ regex: 1, number: 0, schema: 0 });
    const question = { question: 'Is it day?', choices: ['yes', 'no'], answer: 'A', subject: 'time' };
    const choice = JSON.parse(await succeed([...evaluate, '--data', dataFile([question])])) as Report;
    expect(Object.keys(choice.systems[0]!.figures)).toEqual(['acc', 'acc_norm']);
  });

  it('names what is wrong with its options before the GPU is opened', async () => {
    const data = dataFile(rows);
    const refused = (...args: string[]) => fail([...evaluate, '--data', data, ...args]);
    expect(await refused('--metrics', 'exact,bleu')).toContain('--metrics has “bleu”');
    expect(await refused('--metrics', 'regex')).toContain('--regex');
    expect(await refused('--regex', '(')).toContain('--regex cannot be read');
    expect(await refused('--metrics', 'schema', '--schema', '{"$ref": "#"}')).toContain('“$ref” at #');
    expect(await refused('--judge', 'https://host/v1')).toContain('--judge-model');
    expect(await refused('--shots-from', data)).toContain('--shots-from goes with --shots');
    expect(await refused('--shots', '1')).toContain('its rows are no multiple-choice questions');
    const remote = ['--judge', 'http://host/v1', '--judge-model', 'x'];
    expect(await refused(...remote)).toContain('--judge must be an https address');
    const judge = ['--judge-model', 'x', '--judge'];
    for (const address of [
      'https://me:secret@host/v1',
      'https://host/v1?key=secret',
      'https://host/v1#secret',
    ]) {
      const said = await refused(...judge, address);
      expect(said).toContain('--judge must be an address without');
      expect(said).not.toContain('secret');
    }
    const broken = { GRAFT_JUDGE_KEY: 'secret key' };
    const said = await fail([...evaluate, '--data', data, ...judge, 'https://host/v1'], broken);
    expect(said).toMatch(/^\$GRAFT_JUDGE_KEY has spaces(?!.*secret)/);
    expect(await refused('--metrics', 'choice')).toContain('its rows are no multiple-choice questions');
  });
});
