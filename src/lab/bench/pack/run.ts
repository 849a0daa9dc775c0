import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BenchmarkExtent, DeviceBenchmark, TestResults } from '../../../engine/speed/deviceBenchmark.ts';
import { isPart, parts, type PartName, type PartQuestion, type PartState } from './parts.ts';
import { tables } from './tables.ts';

const USAGE = 'Usage: run.sh [--short] [--minutes=6] [--out=FOLDER] [--parts=NAME,NAME]';
/** Seconds kept for the start and the end of each process, after which a part is stopped. */
const MARGIN = 4;
/** How a part ends that is still at work when its time is up: on a slow device, or on one that hangs. */
const LATE = 'stopped as its time was up';

const options = readOptions(process.argv.slice(2));
const started = performance.now();
const end = started + options.minutes * 60_000;
const folder = mkdtempSync(join(tmpdir(), 'graft-bench-'));
const result: Partial<DeviceBenchmark> = { version: 2, skipped: [], problems: [] };
for (const [i, name] of options.parts.entries()) await runPart(name, options.parts.slice(i));
rmSync(folder, { recursive: true });
const text = tables(result);
for (const [file, content] of [
  ['result.json', `${JSON.stringify(result, null, 2)}\n`],
  ['result.txt', `${text}\n`],
] as const)
  writeFileSync(join(options.out, file), content);
const seconds = (performance.now() - started) / 1000;
console.log(`\n${text}\n\nresult.json and result.txt are in ${options.out}, after ${seconds.toFixed(0)} s.`);
process.exitCode = result.problems!.length > 0 || result.tests?.failed.length ? 1 : 0;

interface Options {
  extent: BenchmarkExtent;
  minutes: number;
  out: string;
  parts: PartName[];
}

function readOptions(words: readonly string[]): Options {
  const read: Options = {
    extent: 'full',
    minutes: 6,
    out: resolve('.'),
    parts: Object.keys(parts) as PartName[],
  };
  for (const word of words) {
    const [, name, value = ''] = /^--([a-z]+)(?:=(.*))?$/.exec(word) ?? [];
    const names = value.split(',');
    if (name === 'short' && value === '') read.extent = 'quick';
    else if (name === 'minutes' && Number(value) > 0) read.minutes = Number(value);
    else if (name === 'out' && value !== '' && existsSync(value)) read.out = resolve(value);
    else if (name === 'parts' && names.every(isPart)) read.parts = names;
    else {
      console.error(`${word}: not understood.\n${USAGE}\nParts: ${Object.keys(parts).join(' ')}`);
      process.exit(2);
    }
  }
  return read;
}

/** Runs a part in its share of the time that is left for it and those after it. */
async function runPart(name: PartName, waiting: readonly PartName[]): Promise<void> {
  const left = (end - performance.now()) / 1000;
  const shares = waiting.reduce((sum, one) => sum + parts[one].share, 0);
  const seconds = (left * parts[name].share) / shares;
  if (seconds < 2 * MARGIN) {
    result.skipped!.push(`all of ${name}: no time left`);
    return;
  }
  console.log(`${name}, at most ${seconds.toFixed(0)} s`);
  const file = join(folder, name);
  const question: PartQuestion = { name, extent: options.extent, seconds: seconds - MARGIN, file };
  const ended = await spawnPart(question, seconds);
  const part = readState(file);
  merge(part);
  if (ended === LATE) result.skipped!.push(`${name}, from “${part.doing}” on: ${LATE}`);
  else if (ended !== null) result.problems!.push(`${name}: ${ended} at “${part.doing}”`);
}

/** @returns how the process ended, if not as it should */
function spawnPart(question: PartQuestion, seconds: number): Promise<string | null> {
  const program = fileURLToPath(new URL('part.js', import.meta.url));
  const child = spawn(process.execPath, [program, JSON.stringify(question)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, 1000 * seconds);
  return new Promise((done) => {
    child.on('error', ({ message }) => done(message));
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      done(late ? LATE : code === 0 ? null : `ended with ${signal ?? `status ${code}`}`);
    });
  });
}

function readState(file: string): PartState {
  const read = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8') : null);
  const doing = read(`${file}.doing`) ?? 'its start';
  return { doing, result: JSON.parse(read(file) ?? '{}') as PartState['result'] };
}

function merge({ result: { tests, skipped = [], ...others } }: PartState): void {
  Object.assign(result, others);
  result.skipped!.push(...skipped);
  if (tests) result.tests = result.tests ? added(result.tests, tests) : tests;
}

function added(one: TestResults, other: TestResults): TestResults {
  return {
    passed: one.passed + other.passed,
    failed: [...one.failed, ...other.failed],
    skipped: [...one.skipped, ...other.skipped],
    notes: [...one.notes, ...other.notes],
  };
}
