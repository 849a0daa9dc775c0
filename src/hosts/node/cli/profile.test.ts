import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { runCli } from '../../../testing/cli.ts';
import { robotStories } from '../../../testing/fixtures.ts';
import { writeTinyStories } from '../../../testing/tinyStories.ts';

const scratch = mkdtempSync(join(tmpdir(), 'graft-profile-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

it('profile prints the kernels of a step, and writes a trace of its layers', async () => {
  const recipe = join(scratch, 'recipe.json');
  const trace = join(scratch, 'trace.json');
  writeFileSync(recipe, JSON.stringify({ batch_size: 1, rank: 4, max_length: 64 }));
  const data = ['--data', robotStories, '--recipe', recipe];
  const args = ['profile', '--model', writeTinyStories(scratch), ...data, '--trace', trace];
  const { status, stdout, stderr } = await runCli(args);
  expect({ status, stderr }).toMatchObject({ status: 0 });
  const [head, ...lines] = stdout.split('\n');
  expect(head).toMatch(/^kernel +calls +ms +share +GFLOP\/s +GB\/s$/);
  expect(lines.find((line) => /^matmul_\w+ NT/.test(line))).toMatch(/ \d+ +[\d.]+ +[\d.]+% +[\d.]+ +[\d.]+$/);
  expect(stdout).toMatch(/One step on .*: \d+ dispatches, [\d.]+ ms in kernels,/);
  const { traceEvents } = JSON.parse(readFileSync(trace, 'utf8')) as { traceEvents: { name: string }[] };
  const names = new Set(traceEvents.map(({ name }) => name));
  for (const part of ['step', 'forward', 'head', 'backward', 'optimizer', 'layer 4', 'adam_w']) {
    expect(names).toContain(part);
  }
});
