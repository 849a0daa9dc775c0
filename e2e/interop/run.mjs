// Do Python's transformers, peft and safetensors load the files Graft writes, and compute the same numbers? One line
// per check; the last line is "N passed, N failed", with ", N skipped" if Python is unavailable. With the argument
// "smollm2" it compares preference training on SmolLM2-135M instead, which takes a software GPU many minutes.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { root } from '../../src/launch/project.mjs';
import {
  clusterJob,
  evaluate,
  evaluateRows,
  mixAll,
  randomModel,
  runFamilies,
  starter,
  trainPissa,
  runGrpo,
  trainPreferences,
  writeEnds,
  writeFiles,
  writeQuantized,
  writeWeighted,
} from './graft.mjs';
import { readLogits } from './logits.mjs';
import { preparePython } from './python.mjs';

/** Relative to the largest logit. */
const LOGIT_TOLERANCE = 1e-4;

const counts = { passed: 0, failed: 0 };
const { python, missing } = await preparePython().catch(({ message }) => {
  report('FAIL', message);
  return {};
});
if (missing) {
  console.log(`skipped transformers and peft: ${missing}`);
  console.log('0 passed, 0 failed, 1 skipped');
} else {
  if (python) await (process.argv[2] === 'smollm2' ? checkSmolLM2() : checkAll());
  console.log(`${counts.passed} passed, ${counts.failed} failed`);
  process.exitCode = counts.failed > 0 || counts.passed === 0 ? 1 : 0;
}

async function checkAll() {
  const folder = mkdtempSync(join(tmpdir(), 'graft-interop-'));
  try {
    const { made, errors } = await writeFiles(folder);
    for (const error of errors) report('FAIL', error);
    const quantized = await writeQuantizedOf(made, join(folder, 'quantized'));
    const weighted = await writeWeightedOf(made, join(folder, 'weighted'));
    const ends = await writeEnds(join(folder, 'ends')).catch(({ message }) => {
      report('FAIL', `ends: ${message}`);
      return [];
    });
    const manifest = join(folder, 'manifest.json');
    writeFileSync(manifest, JSON.stringify({ models: made, quantized, weighted, ends }));
    await runChecks('check.py', manifest);
    await runChecks('check_fuzz.py', '20000');
    await runChecks('check_templates.py', 'small');
    await runChecks('check_templates.py', 'odd', '2000');
    await checkFamilies(join(folder, 'families'));
    await checkMixes(join(folder, 'mixes'));
    await checkPissa(join(folder, 'pissa'));
    await checkPreferences(starter, join(folder, 'preferences'));
    await checkPreferences(randomModel('tiny-qwen3'), join(folder, 'random-preferences'));
    await checkEvaluation(join(folder, 'evaluation'));
    await checkGrpo(starter, join(folder, 'grpo'));
    await checkGrpo(randomModel('tiny-qwen3'), join(folder, 'random-grpo'));
    await checkJob(join(folder, 'job'));
    for (const model of made) await checkTheWayBack(model);
    for (const model of quantized) await checkTheirQuantized(model);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function writeQuantizedOf(made, folder) {
  const model = made.find(({ name }) => name === 'tiny-stories');
  if (!model) return [];
  try {
    return await writeQuantized(model, folder);
  } catch (error) {
    report('FAIL', `4 bits: ${error.message}`);
    return [];
  }
}

/** Small models of all families: made by transformers, run by Graft, compared. */
async function checkFamilies(folder) {
  const manifest = join(folder, 'families.json');
  await runChecks('make_families.py', folder);
  await runFamilies(manifest).catch(({ message }) => report('FAIL', `families: ${message}`));
  await runChecks('check_families.py', manifest);
}

/** Adapters mixed by peft and by Graft. */
async function checkMixes(folder) {
  await runChecks('mixes.py', 'make', randomModel('tiny-qwen3'), folder);
  await mixAll(folder).catch(({ message }) => report('FAIL', `mix: ${message}`));
  await runChecks('mixes.py', 'check', folder);
}

/** Adapters that begin as the largest singular values, by Graft and by peft. */
async function checkPissa(folder) {
  mkdirSync(folder);
  await trainPissa(randomModel('tiny-qwen3'), folder).catch(({ message }) =>
    report('FAIL', `pissa: ${message}`),
  );
  await runChecks('check_pissa.py', folder);
}

/** Preference training on a real model; the package that has its weights is kept beside the other real files. */
async function checkSmolLM2() {
  const folder = mkdtempSync(join(tmpdir(), 'graft-smollm2-'));
  try {
    const model = join(folder, 'SmolLM2-135M');
    await runChecks('../real/smollm2_model.py', model, join(root, 'e2e', 'real', 'node_modules'));
    await checkPreferences(model, join(folder, 'preferences'), 'texts');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Preference training on a model, by Graft and by TRL. @param options of preferences.py, beside the folders */
async function checkPreferences(model, folder, ...options) {
  await runChecks('preferences.py', 'make', model, folder, ...options);
  await trainPreferences(folder).catch(({ message }) => report('FAIL', `preferences: ${message}`));
  await runChecks('preferences.py', 'check', folder);
}

/** Metrics, greedy answers and multiple-choice questions, by Graft and by the libraries that define them. */
async function checkEvaluation(folder) {
  await runChecks('evaluation.py', 'make', folder);
  await evaluateRows(folder).catch(({ message }) => report('FAIL', `evaluate: ${message}`));
  await runChecks('evaluation.py', 'check', starter, folder);
}

/** Training on rewarded samples: Graft's own, on which TRL computes the same. */
async function checkGrpo(model, folder) {
  await runChecks('grpo.py', 'make', model, folder);
  await runGrpo(folder).catch(({ message }) => report('FAIL', `grpo: ${message}`));
  await runChecks('grpo.py', 'check', folder);
}

/** A run that its job continues elsewhere, and that is taken back. */
async function checkJob(folder) {
  const job = join(folder, 'job');
  const lines = (text) => text.split('\n').forEach(reportLine);
  const ours = (mode) =>
    clusterJob(mode, folder).then(lines, ({ message }) => report('FAIL', `job: ${message}`));
  await ours('make');
  await runChecks('check_job.py', 'one', job, randomModel('tiny-qwen3'));
  await ours('back');
  await runChecks('check_job.py', 'fsdp', job, randomModel('tiny-qwen3'));
}

/** Models whose adapters have no dropout, which differs between programs. */
async function writeWeightedOf(made, folder) {
  const weighted = [];
  for (const model of made.filter(({ name }) => name === 'tiny-stories' || name === 'tiny-qwen3')) {
    try {
      weighted.push(await writeWeighted(model, join(folder, model.name)));
    } catch (error) {
      report('FAIL', `${model.name} with weights: ${error.message}`);
    }
  }
  return weighted;
}

/** Runs a script of checks, which prints "ok …" or "FAIL …" for each. */
async function runChecks(script, ...options) {
  const env = {
    ...process.env,
    HF_HUB_OFFLINE: '1',
    TRANSFORMERS_VERBOSITY: 'error',
    // Compiled Python stays outside the source tree but is cached: it halves the import time.
    PYTHONPYCACHEPREFIX: join(root, '.venv', 'pycache'),
    PYTHONDONTWRITEBYTECODE: '',
  };
  // peft warns about transformers' names, and about a base that is not a local folder.
  const args = ['-W', 'ignore', join(root, 'e2e', 'interop', script), ...options];
  const child = spawn(python, args, { stdio: ['ignore', 'pipe', 'inherit'], env });
  const ended = once(child, 'close');
  for await (const line of createInterface({ input: child.stdout })) reportLine(line);
  const [status] = await ended;
  if (status !== 0) report('FAIL', `${script} ended with status ${status}`);
}

/** Files that peft and transformers re-saved are the same model for Graft, to the last bit of its logits. */
async function checkTheWayBack({ name, model, rows, adapterEval, mergedEval, savedAdapter, savedMerged }) {
  await compare('the adapter peft saved gives Graft the same logits', adapterEval, {
    model,
    adapter: savedAdapter,
  });
  await compare('the model transformers saved gives Graft the same logits', mergedEval, {
    model: savedMerged,
  });

  async function compare(what, before, options) {
    try {
      const again = await evaluate({ ...options, data: rows, logits: `${before.logits}.again` });
      const same = readFileSync(again.logits).equals(readFileSync(before.logits));
      report(same ? 'ok' : 'FAIL', `${name}: ${what}`);
    } catch (error) {
      report('FAIL', `${name}: ${what}: ${error.message}`);
    }
  }
}

/** A model quantized and saved by transformers has the same logits in Graft and transformers. */
async function checkTheirQuantized({ name, rows, again }) {
  if (!again) return;
  const what = `${name}: the model transformers saved gives Graft the same logits`;
  try {
    const ours = await evaluate({ model: again.saved, data: rows, logits: `${again.logits}.graft` });
    const [actual, expected] = [ours.logits, again.logits].map((file) => readLogits(file).values);
    const largest = (values) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const error = largest(actual.map((value, i) => value - expected[i])) / largest(expected);
    const same = actual.length === expected.length && error <= LOGIT_TOLERANCE;
    report(same ? 'ok' : 'FAIL', `${what}: off by ${error.toExponential(1)} of the largest`);
  } catch (error) {
    report('FAIL', `${what}: ${error.message}`);
  }
}

/** Counts a line that is a check's, and shows any other. */
function reportLine(line) {
  const [, outcome, text] = /^(ok|FAIL) (.*)$/.exec(line) ?? [];
  if (outcome) report(outcome, text);
  else console.log(line);
}

function report(outcome, text) {
  counts[outcome === 'ok' ? 'passed' : 'failed']++;
  console.log(`${outcome.padEnd(4)} ${text}`);
}
