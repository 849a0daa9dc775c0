// npm test: installs what is missing, runs every test, and ends with the line "N passed, N failed, N skipped".
// Where steps share the machine, files with failures are run a second time, alone; those that then pass are listed.
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkNode, fail, installPackages, root, runInstalled, runInstalledEvenly } from './project.mjs';
import { installRequirements } from './system.mjs';

const PYTHON_INTEROP = join(root, 'e2e', 'interop', 'run.mjs');
const REAL_TOKENIZERS = join(root, 'e2e', 'real', 'run.mjs');
const LLAMA_CPP = join(root, 'e2e', 'llamaCpp', 'run.mjs');
const COUNT_REPORTER = join(root, 'src', 'launch', 'countReporter.mjs');

/** Steps at once when all are run: one alone keeps hardly more than one processor busy, and two share a GPU's memory. */
const LANES = 2;

/** More files of a step than these do not fail because other work ran beside them. */
const SECOND_TRY_FILES = 6;

/** How many of the slowest files are listed. */
const SLOWEST_FILES = 25;

/**
 * The golden runs, and kernels that reduce in subgroups, with lavapipe's vectors so wide (subgroups of 16) that it takes the
 * kernels of a GPU. An adapter that is a GPU takes them anyway.
 */
const AS_GPU = {
  env: { LP_NATIVE_VECTOR_WIDTH: '512' },
  files: ['train/golden.dawn', 'kernels/reduction.gpu', 'kernels/rmsNorm.gpu'],
};

/**
 * The steps: what each needs of the system, what some of its tests want or else are skipped, and how it counts its tests. Those that tell most about a mistake come first,
 * then the longest, so that the lanes end together; in lanes, a step may be run in `pieces`. `golden` is a part of `gpu`,
 * for `quick`.
 */
const steps = [
  { name: 'typecheck', needs: [], count: typecheck },
  { name: 'lint', needs: [], count: lint },
  { name: 'cli', needs: ['vulkan'], count: vitest('cli') },
  { name: 'e2e', needs: ['vulkan', 'chromium', 'firefox'], pieces: 2, count: vitest('e2e') },
  { name: 'chromium', needs: ['chromium'], count: vitest('chromium') },
  { name: 'unit', needs: [], count: vitest('unit') },
  { name: 'slow', needs: [], count: vitest('slow') },
  { name: 'golden', needs: ['vulkan'], partOf: 'gpu', count: vitest('gpu', ['golden.dawn']) },
  { name: 'gpu', needs: ['vulkan'], wants: ['gpuCompiler'], pieces: 3, count: vitest('gpu') },
  { name: 'as-gpu', needs: ['vulkan'], count: vitest('gpu', AS_GPU.files, AS_GPU.env) },
  { name: 'browser', needs: ['vulkan', 'chromium', 'firefox'], count: vitest('browser') },
  { name: 'interop', needs: ['vulkan'], count: program(PYTHON_INTEROP) },
  { name: 'real', needs: [], count: program(REAL_TOKENIZERS) },
  { name: 'llama', needs: ['vulkan'], count: program(LLAMA_CPP) },
]
  .filter(({ name }) => name !== 'interop' || existsSync(PYTHON_INTEROP))
  .filter(({ name }) => name !== 'real' || existsSync(REAL_TOKENIZERS))
  .filter(({ name }) => name !== 'llama' || existsSync(LLAMA_CPP));

/** Names for several steps, which are run in lanes. */
const groups = {
  all: steps.filter(({ partOf }) => !partOf),
  quick: steps.filter(({ name }) => ['typecheck', 'lint', 'unit', 'golden'].includes(name)),
};

checkNode();
const { chosen, inLanes, vitestArguments } = readArguments(process.argv.slice(2));
const started = Date.now();
await installPackages();
const missing = await installRequirements([
  ...new Set(chosen.flatMap(({ needs, wants = [] }) => [...needs, ...wants])),
]);
const results = inLanes ? await runLanes() : await runLane(chosen, 'inherit');
report(steps.flatMap(({ name }) => joined(results.filter((result) => result.name === name))));

function readArguments(args) {
  const end = args.indexOf('--');
  const names = end < 0 ? args : args.slice(0, end);
  const group = names.length === 0 ? groups.all : names.length === 1 ? groups[names[0]] : undefined;
  const unknown = group ? undefined : names.find((name) => !steps.some((step) => step.name === name));
  if (unknown !== undefined) {
    fail(
      `"${unknown}" is no step. Usage: npm test -- [quick | STEP…] [-- VITEST ARGUMENTS]\n` +
        `Steps: ${steps.map((step) => step.name).join(' ')}; quick is ${groups.quick.map((step) => step.name).join(' ')}`,
    );
  }
  return {
    chosen: group ?? steps.filter(({ name }) => names.includes(name)),
    inLanes: group !== undefined,
    vitestArguments: end < 0 ? [] : args.slice(end + 1),
  };
}

/** The chosen steps in lanes, each of which takes the next one as soon as it is free; what a step says is shown at its end. */
async function runLanes() {
  const folder = mkdtempSync(join(tmpdir(), 'graft-steps-'));
  const queue = chosen.flatMap((step) =>
    Array.from({ length: step.pieces ?? 1 }, (_, i) => ({
      ...step,
      piece: step.pieces && `${i + 1}/${step.pieces}`,
    })),
  );
  const lanes = await Promise.all(Array.from({ length: LANES }, () => runLane(queue, folder)));
  rmSync(folder, { recursive: true });
  const results = [];
  for (const result of lanes.flat()) results.push(await secondTry(result));
  return results;
}

/**
 * A step's result after its failed files were run again, alone: a failure there is one, whatever ran beside it. What fails
 * the first time only is reported, too. All of them where something failed outside any file, such as a process that died.
 */
async function secondTry(result) {
  const { files, again } = result;
  if (!again || result.failed === 0 || files.length > SECOND_TRY_FILES) return result;
  const all = files.length === 0;
  console.log(`\n── ${result.name}, a second time: ${all ? 'all files' : files.join(', ')}`);
  const start = Date.now();
  const second = await again({ stdio: 'inherit', ...(!all && { files, piece: undefined }) });
  const { failed, failures } = second;
  const passed = all ? second.passed : result.passed + Math.max(0, result.failed - failed);
  const skipped = all && { skipped: second.skipped, reasons: second.reasons };
  const seconds = result.seconds + (Date.now() - start) / 1000;
  return { ...result, ...skipped, passed, failed, failures, unsteady: result.failures, seconds };
}

/**
 * Runs the steps of a queue until it is empty.
 * @param output `inherit`, or a folder for log files until the step is done
 */
async function runLane(queue, output) {
  const done = [];
  for (let step = queue.shift(); step; step = queue.shift()) done.push(await runStep(step, output));
  return done;
}

/** The results of a step's pieces as one. */
function joined(pieces) {
  if (pieces.length < 2) return pieces;
  const sum = (key) => pieces.reduce((total, piece) => total + piece[key], 0);
  return [
    {
      name: pieces[0].name,
      passed: sum('passed'),
      failed: sum('failed'),
      skipped: sum('skipped'),
      seconds: sum('seconds'),
      reasons: pieces.flatMap(({ reasons }) => reasons),
      failures: pieces.flatMap(({ failures }) => failures),
      unsteady: pieces.flatMap(({ unsteady = [] }) => unsteady),
      times: pieces.flatMap(({ times }) => times),
    },
  ];
}

async function runStep({ name, piece, needs, count }, output) {
  const start = Date.now();
  const shown = piece ? `${name} ${piece}` : name;
  const title = `\n── ${shown} ${'─'.repeat(60 - shown.length)}`;
  console.log(output === 'inherit' ? title : `${shown} has begun`);
  const log = output === 'inherit' ? null : join(output, shown.replace('/', ' of '));
  const file = log && openSync(log, 'w');
  const stdio = log ? ['ignore', file, file] : 'inherit';
  const lacking = needs.filter((need) => missing[need]);
  const result = lacking.length > 0 ? counted({ failed: 1 }) : await count({ stdio, piece });
  if (log) {
    closeSync(file);
    console.log(title);
    process.stdout.write(readFileSync(log));
  }
  for (const need of lacking) console.error(missing[need]);
  return { name, ...result, seconds: (Date.now() - start) / 1000 };
}

/**
 * What became of a step's tests.
 * @param reasons one for each that was skipped
 * @param failures which failed, and how
 * @param files those with failures
 * @param times seconds of each file
 * @param again runs the step once more, or some of its files
 */
function counted(counts) {
  const none = { passed: 0, failed: 0, skipped: 0, reasons: [], failures: [], files: [], times: [] };
  return { ...none, ...counts };
}

/** A step that is one test: it passes when its program does. */
function one(status) {
  return counted(status === 0 ? { passed: 1 } : { failed: 1 });
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

/** A step that is a project of vitest.config.ts, or the files of one whose paths hold one of `filter`, with variables. */
function vitest(project, filter = [], env = {}) {
  return async ({ piece, files = filter, ...options }) => {
    const folder = mkdtempSync(join(tmpdir(), 'graft-test-'));
    const file = join(folder, 'counts.json');
    const reporters = ['--reporter', 'default', '--reporter', COUNT_REPORTER];
    const shard = piece ? ['--shard', piece] : [];
    const status = await runInstalledEvenly(
      'vitest/vitest.mjs',
      ['run', '--project', project, ...files, ...shard, ...reporters, ...vitestArguments],
      { ...options, env: { ...process.env, ...env, GRAFT_TEST_COUNTS: file } },
    );
    const counts = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
    rmSync(folder, { recursive: true });
    const again = (changed) => vitest(project, filter, env)({ piece, ...changed });
    if (!counts) return counted({ failed: 1, failures: [`${project}: its process died`], again });
    // An error outside any test fails the run; it must not get lost between the counts.
    if (status !== 0 && counts.failed === 0) counts.failed = 1;
    return counted({ ...counts, again });
  };
}

/**
 * A step that is a program comparing with other libraries. Its last line holds its counts; of each test that it skips
 * it says "skipped NAME: why".
 */
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
  if (passed === undefined) return counted({ failed: 1 });
  return counted({
    passed: Number(passed),
    failed: status === 0 ? Number(failed) : Math.max(1, Number(failed)),
    skipped: Number(skipped),
    reasons: [...output.matchAll(/^skipped [^:\n]*: (.*)$/gm)].map(([, reason]) => reason),
    failures: output.match(/^(?:FAIL|failed) .*$/gm) ?? [],
  });
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
  reportSlowest(
    results.flatMap(({ name, times }) => times.map(([file, seconds]) => ({ name, file, seconds }))),
  );
  reportSkipped(results.flatMap(({ reasons }) => reasons));
  reportFailed(
    'failed beside other steps, passed alone',
    results.flatMap(({ unsteady = [] }) => unsteady),
  );
  reportFailed(
    'failed',
    results.flatMap(({ failures }) => failures),
  );
  console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;
}

/** Prints the files that took longest: where a shorter run begins. */
function reportSlowest(files) {
  if (files.length === 0) return;
  console.log('\nslowest files');
  for (const { name, file, seconds } of files.sort((a, b) => b.seconds - a.seconds).slice(0, SLOWEST_FILES)) {
    console.log(`${seconds.toFixed(1).padStart(8)}  ${name}  ${file}`);
  }
}

/** Prints why tests were skipped, the most frequent reason first. */
function reportSkipped(reasons) {
  if (reasons.length === 0) return;
  const counts = new Map();
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  console.log('\nskipped, because');
  for (const [reason, count] of [...counts].sort(([, a], [, b]) => b - a)) {
    console.log(`${String(count).padStart(6)}  ${reason}`);
  }
}

/** Prints once more what failed: it is far above, in its step's output, of which a log may keep the end alone. */
function reportFailed(title, failures) {
  if (failures.length > 0) console.log([`\n${title}`, ...failures].join('\n'));
}
