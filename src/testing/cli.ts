import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, expect } from 'vitest';
import { builtCli } from './builtCli.ts';
import type { FullDisk, VictimOrders } from './victim.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** The result of running the command line. */
export interface CliResult {
  status: number | null;
  stdout: string;
  /** Without the lines Dawn itself prints about its limits, which can't be suppressed. */
  stderr: string;
}

/** Runs `graft ARGS` in a separate process, as the package has it. */
export async function runCli(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<CliResult> {
  const { main } = await builtCli();
  return run(process.execPath, [main, ...args], env);
}

/** Runs `npm run --silent graft -- ARGS`, exactly as in the README. */
export function runCliByNpm(args: readonly string[]): Promise<CliResult> {
  return run('npm', ['run', '--silent', 'graft', '--', ...args], {});
}

/** Runs a command that is sent Ctrl-C, or another signal, once `mark` stands on its stderr. */
export function interruptAfter(
  mark: string,
  args: readonly string[],
  signal: NodeJS.Signals = 'SIGINT',
  env: NodeJS.ProcessEnv = {},
): Promise<CliResult> {
  return runVictim(args, { signal, mark }, env);
}

/** Runs a command that is killed as a power cut would, in the middle of a change of a file below `folder`. */
export function killAtChange(
  args: readonly string[],
  folder: string,
  number: number,
  env: NodeJS.ProcessEnv = {},
): Promise<CliResult> {
  return runVictim(args, { signal: 'SIGKILL', change: { folder, number } }, env);
}

/** Runs a command that is sent Ctrl-C in the middle of a change of a file below `folder`. */
export function interruptAtChange(
  args: readonly string[],
  folder: string,
  number: number,
  env: NodeJS.ProcessEnv = {},
): Promise<CliResult> {
  return runVictim(args, { signal: 'SIGINT', change: { folder, number } }, env);
}

/**
 * Runs a command on a disk that gets full.
 * @param mark sends it Ctrl-C once these words are on its stderr
 */
export function runOnFullDisk(
  args: readonly string[],
  full: FullDisk,
  { mark, env = {} }: { mark?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<CliResult> {
  return runVictim(args, { full, ...(mark !== undefined && { signal: 'SIGINT', mark }) }, env);
}

/** Where an output of a command goes: to the test, to a file, or to a pipe whose reader leaves at the first words. */
export type OutputTarget = 'read' | 'closed' | { file: string };

/** Runs a command with its outputs elsewhere; what is not read is empty. */
export async function runCliInto(
  args: readonly string[],
  {
    stdout = 'read',
    stderr = 'read',
    env = {},
  }: { stdout?: OutputTarget; stderr?: OutputTarget; env?: NodeJS.ProcessEnv },
): Promise<CliResult> {
  const { main } = await builtCli();
  const targets = [stdout, stderr];
  const files = targets.map((to) => (typeof to === 'object' ? openSync(to.file, 'a') : null));
  const closed = (['stdout', 'stderr'] as const).filter((_, i) => targets[i] === 'closed');
  try {
    return await run(process.execPath, [main, ...args], env, { files, closed });
  } finally {
    for (const fd of files) if (fd !== null) closeSync(fd);
  }
}

/** Runs a command that must succeed. @returns the changes it makes of files below `folder`, in order */
export async function changesIn(
  args: readonly string[],
  folder: string,
  env: NodeJS.ProcessEnv = {},
): Promise<string[]> {
  const report = join(tmpdir(), `graft-changes-${randomUUID()}.json`);
  const orders: VictimOrders = { signal: 'SIGKILL', change: { folder, number: null }, report };
  const { status, stderr } = await runVictim(args, orders, env);
  expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
  const changes = JSON.parse(readFileSync(report, 'utf8')) as string[];
  rmSync(report);
  return changes;
}

/** A command under way. */
export interface StartedCli {
  pid: number;
  ended: Promise<CliResult>;
  /** Resolves once these words are on its stderr; fails where it ends without them. */
  said(words: string): Promise<void>;
  signal(signal: NodeJS.Signals): void;
}

/** Starts a command. @param orders what befalls it: see victim.ts */
export async function startCli(
  args: readonly string[],
  orders: VictimOrders | null = null,
  env: NodeJS.ProcessEnv = {},
): Promise<StartedCli> {
  const { main, victim } = await builtCli();
  const preloaded = ['--import', pathToFileURL(victim).href, main];
  return start(process.execPath, [...preloaded, ...args], { ...env, GRAFT_VICTIM: JSON.stringify(orders) });
}

/**
 * Starts a command that stops itself, as Ctrl-Z or a paused container does: once `when` is on its stderr, or in the middle of a
 * change of a file.
 */
export async function startStopped(
  when: string | { folder: string; number: number },
  args: readonly string[],
): Promise<StartedCli> {
  const order = typeof when === 'string' ? { mark: when } : { change: when };
  const started = await startCli(args, { signal: 'SIGSTOP', ...order });
  await expect.poll(() => readFileSync(`/proc/${started.pid}/stat`, 'utf8')).toMatch(/\) T /);
  return started;
}

async function runVictim(
  args: readonly string[],
  orders: VictimOrders,
  env: NodeJS.ProcessEnv = {},
): Promise<CliResult> {
  return (await startCli(args, orders, env)).ended;
}

/** Where the outputs of a process go. */
interface Wiring {
  /** Descriptors for stdout and stderr; null for the test. */
  files?: readonly (number | null)[];
  /** Pipes whose reader leaves at the first words. */
  closed?: readonly ('stdout' | 'stderr')[];
}

function run(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  wiring?: Wiring,
): Promise<CliResult> {
  return start(program, args, env, wiring).ended;
}

function start(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  { files: [out, err] = [], closed = [] }: Wiring = {},
): StartedCli {
  const child = spawn(program, args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['pipe', out ?? 'pipe', err ?? 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  for (const name of closed) child[name]?.once('data', () => child[name]!.destroy());
  const ended = new Promise<CliResult>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, stdout, stderr: stderr.replace(limitWarnings, '') }));
  });
  return {
    pid: child.pid!,
    ended,
    said: (words) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (stderr.includes(words)) resolve();
        };
        child.stderr!.on('data', look);
        child.on('close', () => reject(new Error(`it ended without “${words}”: ${stderr}`)));
        look();
      }),
    signal: (signal) => void child.kill(signal),
  };
}

const limitWarnings = /^Warning: maxDynamic\w+ artificially reduced from .*\n/gm;

/** Runs a command that must succeed; returns its stdout. */
export async function succeed(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
  const { status, stdout, stderr } = await runCli(args, env);
  expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

/**
 * Runs a command that must fail with one readable line, after its output about the data, and nothing on stdout; returns
 * the line without “graft: ”.
 */
export async function fail(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
  const { status, stdout, stderr } = await runCli(args, env);
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  const said = stderr.split('\n').filter((line) => !/^(?:Error|Warning|Hint|Not used): /.test(line));
  expect(said.join('\n')).toMatch(/^graft: [^\n]+\n$/);
  // No unfilled placeholders, JavaScript's texts of missing values, or internal assertions.
  expect(stderr).not.toMatch(/\{[a-z]\w*\}|\bundefined\b|\[object|internal: /i);
  return said[0]!.slice('graft: '.length).trimEnd();
}

/** A folder for a test file's temporary files, removed after its tests. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'graft-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Every file under a folder by its path, including hidden ones; empty if there is no folder. */
export function filesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return (readdirSync(folder, { recursive: true }) as string[]).sort();
}

/** The values of a JSONL file. */
export function readJsonLines<T>(path: string): T[] {
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as T);
}
