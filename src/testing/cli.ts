import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** What a run of the command line left behind. */
export interface CliResult {
  status: number | null;
  stdout: string;
  /** Without the lines Dawn itself prints about the limits it reports, which nothing can switch off. */
  stderr: string;
}

/** Runs `graft ARGS` in a process of its own, as `npm run graft -- ARGS` does. */
export function runCli(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<CliResult> {
  return run(process.execPath, [...command, ...args], env);
}

/** Runs `npm run --silent graft -- ARGS`, exactly as the README says. */
export function runCliByNpm(args: readonly string[]): Promise<CliResult> {
  return run('npm', ['run', '--silent', 'graft', '--', ...args], {});
}

/** Runs a command and sends it Ctrl-C, or another signal, once `mark` stands on its stderr. */
export function interruptAfter(
  mark: string,
  args: readonly string[],
  signal: NodeJS.Signals = 'SIGINT',
): Promise<CliResult> {
  return run(process.execPath, [...command, ...args], {}, { mark, signal });
}

const command = ['--import', 'tsx', 'src/cli/main.ts'];

function run(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  interrupt?: { mark: string; signal: NodeJS.Signals },
): Promise<CliResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: root, env: { ...process.env, ...env }, stdio: 'pipe' });
    let stdout = '';
    let stderr = '';
    let interrupted = false;
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      if (interrupted || !interrupt || !stderr.includes(interrupt.mark)) return;
      interrupted = true;
      child.kill(interrupt.signal);
    });
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, stdout, stderr: stderr.replace(limitWarnings, '') }));
  });
}

const limitWarnings = /^Warning: maxDynamic\w+ artificially reduced from .*\n/gm;

/** Runs a command that must succeed; what it prints on stdout. */
export async function succeed(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
  const { status, stdout, stderr } = await runCli(args, env);
  expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

/**
 * Runs a command that must fail with one line for people, behind what it says of the data, and nothing on stdout; the
 * line without “graft: ”.
 */
export async function fail(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
  const { status, stdout, stderr } = await runCli(args, env);
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  const said = stderr.split('\n').filter((line) => !/^(?:Error|Warning|Hint|Not used): /.test(line));
  expect(said.join('\n')).toMatch(/^graft: [^\n]+\n$/);
  // Neither a placeholder left unfilled, nor what JavaScript makes of what is not there, nor our own inner checks.
  expect(stderr).not.toMatch(/\{[a-z]\w*\}|\bundefined\b|\[object|internal: /i);
  return said[0]!.slice('graft: '.length).trimEnd();
}

/** A folder for a test file's own files, removed after its tests. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'graft-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Every file under a folder by its path, hidden ones too; none where there is no folder. */
export function filesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return (readdirSync(folder, { recursive: true }) as string[]).sort();
}

/** The values of a JSONL file. */
export function readJsonLines<T>(path: string): T[] {
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as T);
}
