// npm test: installs what is missing, runs every test, and ends with the line "N passed, N failed".
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkNode, fail, installPackages, root, runInstalled } from './project.mjs';
import { installRequirements } from './system.mjs';

const PYTHON_INTEROP = join(root, 'e2e', 'interop', 'run.mjs');
const REAL_TOKENIZERS = join(root, 'e2e', 'real', 'run.mjs');

/**
 * The steps: what each needs of the system, and how it counts its tests. When all are run, those of a lane follow each
 * other and the two lanes go on side by side: a step alone keeps hardly more than one processor busy.
 */
const steps = [
  { name: 'typecheck', lane: 0, needs: [], count: typecheck },
  { name: 'lint', lane: 0, needs: [], count: lint },
  { name: 'unit', lane: 1, needs: [], count: vitest('unit') },
  { name: 'gpu', lane: 0, needs: ['vulkan'], count: vitest('gpu') },
  { name: 'chromium', lane: 1, needs: ['chromium'], count: vitest('chromium') },
  { name: 'cli', lane: 0, needs: ['vulkan'], count: vitest('cli') },
  { name: 'e2e', lane: 1, needs: ['vulkan', 'chromium', 'firefox'], count: vitest('e2e') },
  { name: 'interop', lane: 0, needs: ['vulkan'], count: program(PYTHON_INTEROP) },
  { name: 'real', lane: 0, needs: [], count: program(REAL_TOKENIZERS) },
]
  .filter(({ name }) => name !== 'interop' || existsSync(PYTHON_INTEROP))
  .filter(({ name }) => name !== 'real' || existsSync(REAL_TOKENIZERS));

checkNode();
const { chosen, vitestArguments } = readArguments(process.argv.slice(2));
const started = Date.now();
await installPackages();
const missing = await installRequirements([...new Set(chosen.flatMap((step) => step.needs))]);
const results = chosen.length === steps.length ? await runLanes() : await runLane(chosen, 'inherit');
report(steps.flatMap(({ name }) => results.filter((result) => result.name === name)));

function readArguments(args) {
  const end = args.indexOf('--');
  const names = end < 0 ? args : args.slice(0, end);
  const unknown = names.find((name) => !steps.some((step) => step.name === name));
  if (unknown !== undefined) {
    fail(
      `"${unknown}" is no step. Usage: npm test -- [STEP…] [-- VITEST ARGUMENTS]\n` +
        `Steps: ${steps.map((step) => step.name).join(' ')}`,
    );
  }
  return {
    chosen: names.length === 0 ? steps : steps.filter(({ name }) => names.includes(name)),
    vitestArguments: end < 0 ? [] : args.slice(end + 1),
  };
}

/** All steps in two lanes; what each says is shown when it is done. */
async function runLanes() {
  const folder = mkdtempSync(join(tmpdir(), 'graft-steps-'));
  const lane = (wanted) =>
    runLane(
      chosen.filter((step) => step.lane === wanted),
      folder,
    );
  const lanes = await Promise.all([lane(0), lane(1)]);
  rmSync(folder, { recursive: true });
  return lanes.flat();
}

/** @param output `inherit`, or a folder for files that take what a step says until it is done */
async function runLane(wanted, output) {
  const done = [];
  for (const step of wanted) done.push(await runStep(step, output));
  return done;
}

async function runStep({ name, needs, count }, output) {
  const start = Date.now();
  const title = `\n── ${name} ${'─'.repeat(60 - name.length)}`;
  console.log(output === 'inherit' ? title : `${name} has begun`);
  const log = output === 'inherit' ? null : join(output, name);
  const file = log && openSync(log, 'w');
  const stdio = log ? ['ignore', file, file] : 'inherit';
  const lacking = needs.filter((need) => missing[need]);
  const result = lacking.length > 0 ? { passed: 0, failed: 1, skipped: 0 } : await count({ stdio });
  if (log) {
    closeSync(file);
    console.log(title);
    process.stdout.write(readFileSync(log));
  }
  for (const need of lacking) console.error(missing[need]);
  return { name, ...result, seconds: (Date.now() - start) / 1000 };
}

/** A step that is one test: it passes when its program does. */
function one(status) {
  return status === 0 ? { passed: 1, failed: 0, skipped: 0 } : { passed: 0, failed: 1, skipped: 0 };
}

async function typecheck(options) {
  return one(await runInstalled('typescript/bin/tsc', ['--noEmit'], options));
}

async function lint(options) {
  const rules = await runInstalled('oxlint/bin/oxlint', ['--deny-warnings'], options);
  const format = await runInstalled(
    'prettier/bin/prettier.cjs',
    ['--check', '--log-level', 'warn', '.'],
    options,
  );
  return one(rules || format);
}

/** A step that is a project of vitest.config.ts, counted by vitest's JSON report. */
function vitest(project) {
  return async (options) => {
    const folder = mkdtempSync(join(tmpdir(), 'graft-test-'));
    const file = join(folder, 'report.json');
    const reporters = ['--reporter', 'default', '--reporter', 'json', '--outputFile.json', file];
    const status = await runInstalled(
      'vitest/vitest.mjs',
      ['run', '--project', project, ...reporters, ...vitestArguments],
      options,
    );
    const counts = existsSync(file) ? countReport(JSON.parse(readFileSync(file, 'utf8'))) : undefined;
    rmSync(folder, { recursive: true });
    if (!counts) return { passed: 0, failed: 1, skipped: 0 };
    // An error outside any test fails the run; it must not get lost between the counts.
    if (status !== 0 && counts.failed === 0) counts.failed = 1;
    return counts;
  };
}

/** Tests by outcome; a file that failed before its tests ran counts as one failure. */
function countReport({ testResults }) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const { status, assertionResults } of testResults) {
    const before = counts.failed;
    for (const test of assertionResults) {
      if (test.status === 'passed') counts.passed++;
      else if (test.status === 'failed') counts.failed++;
      else counts.skipped++;
    }
    if (status === 'failed' && counts.failed === before) counts.failed++;
  }
  return counts;
}

/** A step that is a program comparing with Python's libraries, whose last line holds its counts. */
function program(file) {
  return (options) => runProgram(file, options);
}

async function runProgram(file, { stdio }) {
  let output = '';
  const status = await new Promise((resolve) => {
    const child = spawn(process.execPath, [file], {
      cwd: root,
      stdio: ['ignore', 'pipe', stdio === 'inherit' ? stdio : stdio[2]],
    });
    child.stdout.on('data', (chunk) => {
      output += chunk;
      if (stdio === 'inherit') process.stdout.write(chunk);
      else writeSync(stdio[1], chunk);
    });
    child.on('error', () => resolve(1));
    child.on('close', (code) => resolve(code ?? 1));
  });
  const [, passed, failed, skipped = 0] =
    /(?:^|\n)(\d+) passed, (\d+) failed(?:, (\d+) skipped)?\s*$/.exec(output) ?? [];
  if (passed === undefined) return { passed: 0, failed: 1, skipped: 0 };
  return {
    passed: Number(passed),
    failed: status === 0 ? Number(failed) : Math.max(1, Number(failed)),
    skipped: Number(skipped),
  };
}

function report(results) {
  const total = { name: 'all', passed: 0, failed: 0, skipped: 0, seconds: (Date.now() - started) / 1000 };
  for (const key of ['passed', 'failed', 'skipped'])
    total[key] = results.reduce((sum, row) => sum + row[key], 0);
  const line = (cells) => cells.map((cell, i) => (i === 0 ? cell.padEnd(12) : cell.padStart(9))).join('');
  console.log(`\n${line(['step', 'passed', 'failed', 'skipped', 'seconds'])}`);
  for (const { name, passed, failed, skipped, seconds } of [...results, total]) {
    console.log(line([name, String(passed), String(failed), String(skipped), seconds.toFixed(1)]));
  }
  console.log(`\n${total.passed} passed, ${total.failed} failed`);
  process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;
}
