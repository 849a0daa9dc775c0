// Do the files Graft writes load in Python's transformers, peft and safetensors, and give our numbers there?
// A line a check; the last line is "N passed, N failed", with ", N skipped" where Python can't be had.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { root } from '../../src/launch/project.mjs';
import { evaluate, writeEnds, writeFiles, writeQuantized, writeWeighted } from './graft.mjs';
import { preparePython } from './python.mjs';

/** Of the largest logit. */
const LOGIT_TOLERANCE = 1e-4;

const counts = { passed: 0, failed: 0 };
const { python, missing } = await preparePython().catch(({ message }) => {
  report('FAIL', message);
  return {};
});
if (missing) {
  console.log(`Not checked against transformers and peft: ${missing}`);
  console.log('0 passed, 0 failed, 1 skipped');
} else {
  if (python) await checkAll();
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
    await runChecks('check_templates.py', 'small');
    await runChecks('check_templates.py', 'odd', '2000');
    for (const model of made) await checkTheWayBack(model);
    for (const model of quantized) await checkTheirQuantized(model);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function writeQuantizedOf(made, folder) {
  const model = made.find(({ name }) => name === 'stories260k');
  if (!model) return [];
  try {
    return await writeQuantized(model, folder);
  } catch (error) {
    report('FAIL', `4 bits: ${error.message}`);
    return [];
  }
}

/** Those whose adapters have no dropout, which no two programs draw alike. */
async function writeWeightedOf(made, folder) {
  const weighted = [];
  for (const model of made.filter(({ name }) => name === 'stories260k' || name === 'tiny-qwen3')) {
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
    ...{ HF_HUB_OFFLINE: '1', TRANSFORMERS_VERBOSITY: 'error' },
    // Compiled Python stays out of the source tree, and is kept: it halves the time of the imports.
    ...{ PYTHONPYCACHEPREFIX: join(root, '.venv', 'pycache'), PYTHONDONTWRITEBYTECODE: '' },
  };
  // Warnings are of peft about transformers' names, and of a base that is no folder beside us.
  const args = ['-W', 'ignore', join(root, 'e2e', 'interop', script), ...options];
  const child = spawn(python, args, { stdio: ['ignore', 'pipe', 'inherit'], env });
  const ended = once(child, 'close');
  for await (const line of createInterface({ input: child.stdout })) {
    const [, outcome, text] = /^(ok|FAIL) (.*)$/.exec(line) ?? [];
    if (outcome) report(outcome, text);
    else console.log(line);
  }
  const [status] = await ended;
  if (status !== 0) report('FAIL', `${script} ended with status ${status}`);
}

/** What peft and transformers saved of our files is the same model to us, to the last bit of its logits. */
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

/** A model that transformers quantized and saved gives Graft the logits it gives transformers. */
async function checkTheirQuantized({ name, rows, again }) {
  if (!again) return;
  const what = `${name}: the model transformers saved gives Graft the same logits`;
  try {
    const ours = await evaluate({ model: again.saved, data: rows, logits: `${again.logits}.graft` });
    const [actual, expected] = [ours.logits, again.logits].map(readLogits);
    const largest = (values) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const error = largest(actual.map((value, i) => value - expected[i])) / largest(expected);
    const same = actual.length === expected.length && error <= LOGIT_TOLERANCE;
    report(same ? 'ok' : 'FAIL', `${what}: off by ${error.toExponential(1)} of the largest`);
  } catch (error) {
    report('FAIL', `${what}: ${error.message}`);
  }
}

/** The one tensor, in float32, of a safetensors file. */
function readLogits(file) {
  const bytes = readFileSync(file);
  const start = 8 + Number(bytes.readBigUInt64LE());
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset + start, bytes.byteOffset + bytes.length));
}

function report(outcome, text) {
  counts[outcome === 'ok' ? 'passed' : 'failed']++;
  console.log(`${outcome.padEnd(4)} ${text}`);
}
