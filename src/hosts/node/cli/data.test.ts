import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { DataReport } from '../../../content/data/dataset/dataReport.ts';
import { runCli, scratchFolder } from '../../../testing/cli.ts';
import { pythonEncoded } from '../../../testing/encodings.ts';

const scratch = scratchFolder();
const starter = 'public/starter';

function dataFile(name: string, rows: readonly unknown[]): string {
  const path = join(scratch, name);
  writeFileSync(path, rows.map((row) => JSON.stringify(row)).join('\n'));
  return path;
}

const messages = [
  { role: 'user', content: 'one? 🙂' },
  { role: 'assistant', content: 'WRONG', weight: 0 },
  { role: 'user', content: 'really?' },
  { role: 'assistant', content: 'right' },
];

async function inspect(args: string[]): Promise<{ status: number | null; report: DataReport }> {
  const { status, stdout } = await runCli(['data', '--model', starter, '--json', ...args]);
  return { status, report: JSON.parse(stdout) as DataReport };
}

describe.concurrent('graft data', () => {
  it('reports as JSON what training would see', async () => {
    const rows = [{ messages, id: 7 }, { messages: [{ role: 'wizard', content: 'x' }] }];
    const { status, report } = await inspect(['--data', dataFile('rows.jsonl', rows), '--rows', '1']);
    expect(status).toBe(0);
    expect(report).toMatchObject({ kind: 'jsonl', format: 'messages', preference: null, rows: 2, used: 1 });
    expect(report.problems).toEqual([
      {
        line: 2,
        code: 'data.unknown_role',
        message: expect.stringContaining('Line 2 of rows.jsonl') as string,
      },
    ]);
    expect(report.unused).toEqual(['id']);
    const [sample, ...others] = report.samples;
    expect(others).toEqual([]);
    const characters = Array.from(sample!.text);
    expect(sample!.trained.map(([start, end]) => characters.slice(start, end).join(''))).toEqual([
      'right<|im_end|>',
    ]);
    expect(sample!.ids.length).toBe(sample!.labels.length);
  });

  it('takes a mask and a recipe, and lists findings with their lines', async () => {
    const path = dataFile('twice.jsonl', [{ messages }, { messages }]);
    const recipe = join(scratch, 'recipe.json');
    writeFileSync(recipe, JSON.stringify({ split_turns: true, mask: 'all' }));
    const { report } = await inspect(['--data', path, '--mask', 'last', '--recipe', recipe, '--rows', '0']);
    expect(report.findings).toContainEqual({ code: 'duplicate', severity: 'warning', lines: [2] });
    expect(report.samples).toEqual([]);
  });

  it('prints text for people, with what is trained in brackets', async () => {
    const path = dataFile('text.jsonl', [{ messages }]);
    const { status, stdout } = await runCli(['data', '--model', starter, '--data', path]);
    expect(status).toBe(0);
    expect(stdout).toContain('Rows used: 1 of 1');
    expect(stdout).toContain('assistant\\n[[right<|im_end|>]]\\n');
  });

  it('ends with status 1 where no row can be used, and says why in the report all the same', async () => {
    const pairs = dataFile('pairs.jsonl', [{ prompt: 'hi', chosen: 'good', rejected: 'bad' }]);
    const { status, report } = await inspect(['--data', pairs]);
    expect(status).toBe(1);
    expect(report).toMatchObject({ format: 'preference', preference: 'pairs', rows: 1, used: 0 });
    const { stderr } = await runCli(['data', '--model', starter, '--data', pairs]);
    expect(stderr).toContain('set preference_data to "chosen"');
    const unknown = await inspect(['--data', dataFile('unknown.jsonl', [{ a: 1 }])]);
    expect(unknown.status).toBe(1);
    expect(unknown.report.problems).toMatchObject([{ line: 1, code: 'data.unknown_format' }]);
  });

  it('reads the rows of the field that is named, and needs only the files of a tokenizer', async () => {
    const folder = join(scratch, 'tokenizer');
    mkdirSync(folder);
    for (const name of ['tokenizer.json', 'tokenizer_config.json']) {
      cpSync(join(starter, name), join(folder, name));
    }
    const path = join(scratch, 'lists.json');
    writeFileSync(
      path,
      JSON.stringify({ a: [{ prompt: 'a', completion: 'b' }], b: [{ messages }, { messages }] }),
    );
    const args = ['data', '--model', folder, '--data', path, '--json'];
    const { stdout } = await runCli([...args, '--rows-field', 'b']);
    expect(JSON.parse(stdout)).toMatchObject({ rowsField: 'b', rows: 2, used: 2 });
    expect((await runCli(args)).status).toBe(1);
  });

  it('reads compressed files and other encodings, and says which', async () => {
    const row = { prompt: '今天天气怎么样？', completion: '今天天气很好，我们可以去公园散步。' };
    const text = `${JSON.stringify(row)}\n`.repeat(2);
    const packed = join(scratch, 'rows.jsonl.gz');
    writeFileSync(packed, gzipSync(pythonEncoded(text, 'gb18030')));
    const { report } = await inspect(['--data', packed]);
    expect(report).toMatchObject({ kind: 'jsonl', encoding: 'gb18030', rows: 2, used: 2 });
    expect(report.samples[0]?.text).toContain('我们可以去公园散步');
    const { report: zstd } = await inspect(['--data', 'src/content/intake/fixtures/rows.jsonl.zst']);
    expect(zstd).toMatchObject({ kind: 'jsonl', encoding: 'utf-8', rows: 3, used: 3 });
    const polish = join(scratch, 'polish.csv');
    writeFileSync(polish, pythonEncoded('prompt,completion\nJak się masz?,Dziękuję\n', 'cp1250'));
    const { report: unclear } = await inspect(['--data', polish]);
    expect(unclear.problems.map(({ code }) => code)).toEqual(['data.encoding_unclear']);
    const { report: chosen } = await inspect(['--data', polish, '--encoding', 'windows-1250']);
    expect(chosen).toMatchObject({ encoding: 'windows-1250', used: 1 });
    expect(chosen.samples[0]?.text).toContain('Jak się masz?');
  });
});
