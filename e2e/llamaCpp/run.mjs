// Does llama.cpp run the GGUF files Graft writes, and compute what Graft computes? One line per check; the last line is
// "N passed, N failed", with ", N skipped" where llama.cpp or Python is unavailable.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { root } from '../../src/launch/project.mjs';
import { evaluate, graft, randomRows, tsx } from '../interop/graft.mjs';
import { readLogits } from '../interop/logits.mjs';
import { preparePython } from '../interop/python.mjs';
import { installLlamaCpp, libraries } from './install.mjs';

/** Of logarithms of probabilities, relative to the largest. */
const TOLERANCE = 1e-3;
const NEW_TOKENS = 80;
const here = join(root, 'e2e', 'llamaCpp');
const TYPES = ['f32', 'f16', 'bf16', 'q8_0', 'q6_k', 'q5_k_m', 'q4_k_m', 'q4_0'];
/** Types whose files have to load and answer, but whose answers are compared with none: a short question will do. */
const SHORT = { prompts: 1, sequences: 1, newTokens: 8 };

const counts = { passed: 0, failed: 0 };
const { python, missing = installLlamaCpp() } = await preparePython();
if (missing) {
  console.log(`skipped llama.cpp: ${missing}`);
  console.log('0 passed, 0 failed, 1 skipped');
} else {
  const folder = mkdtempSync(join(tmpdir(), 'graft-llama-'));
  try {
    await checkStarter(folder);
    await checkSmall(folder, 'phi3');
    await checkSmall(folder, 'lfm2', ['f32', 'q8_0', 'q4_k_m']);
    await checkSmall(folder, 'qwen3_moe', ['f32', 'q4_k_m']);
    await checkSmolLm2(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  console.log(`${counts.passed} passed, ${counts.failed} failed`);
  process.exitCode = counts.failed > 0 ? 1 : 0;
}

/** The starter: every type, and an adapter both ways. */
async function checkStarter(folder) {
  const at = place(folder, 'starter');
  const model = join(root, 'public', 'starter');
  const rows = at('rows.jsonl');
  writeFileSync(rows, randomRows());
  const prompts = ['Tell a story about Zip and a red ball.', 'Who is Zip?', '你好 – naïve café 🤖'].map(
    (text) => `<|im_start|>user\n${text}<|im_end|>\n<|im_start|>assistant\n`,
  );
  const own = await evaluate({ model, data: rows, logits: at('own.safetensors') });
  const base = { model, rows, prompts };
  await checkTypes(base, own, TYPES, at);

  const adapter = at('adapter');
  writeFileSync(
    at('recipe.json'),
    JSON.stringify({ rank: 8, lr: 0.01, max_steps: 4, rslora: true, dtype: 'f32' }),
  );
  const data = join(root, 'public', 'samples', 'robot-stories.jsonl');
  await graft('train', { model, data, out: adapter, recipe: at('recipe.json') });
  const tuned = await evaluate({ model, adapter, data: rows, logits: at('tuned.safetensors') });
  await graft('export', { model, adapter, format: 'gguf-lora', out: at('lora.gguf') });
  await graft('export', { model, adapter, format: 'gguf', out: at('merged.gguf') });
  const beside = ask({ ...base, file: at('f32.gguf'), lora: at('lora.gguf') }, at);
  compareLogits('starter with the adapter as GGUF', tuned, beside);
  compareLogits('starter merged with the adapter', tuned, ask({ ...base, file: at('merged.gguf') }, at));
  const page = at('page');
  await graft('export', { model, adapter, format: 'chat', type: 'f32', out: page, 'max-shard-size': '1MB' });
  const first = readdirSync(page).find((name) => name.includes('-00001-of-'));
  compareLogits(
    'starter in parts, as a chat page has it',
    tuned,
    ask({ ...base, file: join(page, first) }, at),
  );
}

/** A small random model of a family: what llama.cpp computes of it, and Graft of the file, is what Graft computes. */
async function checkSmall(folder, family, types = ['f32', 'q8_0']) {
  const at = place(folder, family);
  const model = at('model');
  const made = spawnSync(python, [join(here, 'small_models.py'), family, model], { encoding: 'utf8' });
  if (made.status !== 0) return report('FAIL', `${family}: ${made.stderr.trim().split('\n').at(-1)}`);
  for (const file of ['tokenizer.json', 'tokenizer_config.json'])
    cpSync(join(root, 'public', 'starter', file), join(model, file));
  const rows = at('rows.jsonl');
  writeFileSync(rows, randomRows());
  const base = { model, rows, prompts: ['Who is Zip?'] };
  const own = await evaluate({ model, data: rows, logits: at('own.safetensors') });
  await checkTypes(base, own, types, at);
  const again = await evaluate({ model: at('f32.gguf'), data: rows, logits: at('again.safetensors') });
  const [before, after] = [own, again].map(({ logits }) => readLogits(logits).values);
  const same = before.length === after.length && before.every((value, i) => value === after[i]);
  report(same ? 'ok' : 'FAIL', `${family} as F32: Graft computes the same of the file, to the bit`);
}

/** SmolLM2-135M-Instruct, a real GGUF file in Q4_1: opened, trained, exported. */
async function checkSmolLm2(folder) {
  const at = place(folder, 'smollm2');
  const made = spawnSync(python, [join(here, 'smollm2_gguf.py'), at('')], { encoding: 'utf8' });
  if (made.status !== 0)
    return report('FAIL', `SmolLM2-135M-Instruct: ${made.stderr.trim().split('\n').at(-1)}`);
  const model = made.stdout.trim();
  const rows = at('rows.jsonl');
  writeFileSync(rows, randomRows());
  const prompts = ['What is the capital of France?', 'Count from one to five.'].map(
    (text) => `<|im_start|>user\n${text}<|im_end|>\n<|im_start|>assistant\n`,
  );
  const own = await evaluate({ model, data: rows, logits: at('own.safetensors') });
  await checkTypes({ model, rows, prompts }, own, TYPES, at);
}

/** Exports a model in each type; compares codes with llama.cpp's quantization, and what it computes with Graft. */
async function checkTypes({ model, rows, prompts }, own, types, at) {
  const name = basename(at(''));
  for (const type of types) {
    const file = at(`${type}.gguf`);
    try {
      await graft('export', { model, format: 'gguf', type, out: file });
      await runChecks(file, at('f32.gguf'), type);
      const isCompared = type === 'f32' || type === 'f16';
      const asked = ask({ model, rows, prompts, file, ...(!isCompared && { short: SHORT }) }, at);
      if (!isCompared) checkAlive(`${name} as ${type}`, asked);
      if (type === 'f32') {
        compareLogits(`${name} as F32`, own, asked);
        const ids = JSON.parse(await tsx('e2e/interop/tokenIds.ts', model, at('prompts.json')));
        const same = ids.every((tokens, i) => tokens.join() === asked.answers[i].tokens.join());
        report(same ? 'ok' : 'FAIL', `${name}: llama.cpp makes Graft's tokens of ${ids.length} prompts`);
      }
      if (type === 'f16') await compareAnswers(name, model, prompts, asked);
    } catch (error) {
      report('FAIL', `${name} as ${type}: ${error.message}`);
    }
  }
}

/** Asks llama.cpp for the next tokens after each of `rows`, and for answers. */
function ask({ rows, prompts: all, file, lora = null, short = null }, at) {
  const [question, out] = [at('question.json'), at('logits.bin')];
  const sequences = readFileSync(rows, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).input_ids)
    .slice(0, short?.sequences);
  const prompts = all.slice(0, short?.prompts);
  const newTokens = short?.newTokens ?? NEW_TOKENS;
  writeFileSync(at('prompts.json'), JSON.stringify(prompts));
  writeFileSync(question, JSON.stringify({ file, lora, sequences, prompts, newTokens, out }));
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(here, 'ask.mjs'), question], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  if (status !== 0) throw new Error(`llama.cpp: ${stderr.trim().split('\n').at(-1)}`);
  const bytes = readFileSync(out);
  const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const width = values.length / sequences.length;
  return {
    answers: JSON.parse(stdout.trim().split('\n').at(-1)),
    logProbs: sequences.map((ids, row) => ({
      at: ids.length - 1,
      values: values.subarray(row * width, (row + 1) * width),
    })),
  };
}

/** llama.cpp loads a file, answers, and its probabilities are numbers. */
function checkAlive(what, { answers, logProbs }) {
  const finite = logProbs.every(({ values }) => values.some(Number.isFinite) && !values.some(Number.isNaN));
  const answered = answers.length > 0 && answers.every(({ tokens }) => tokens.length > 0);
  report(
    finite && answered ? 'ok' : 'FAIL',
    `${what}: llama.cpp loads it and answers: ${answers[0]?.answer}`,
  );
}

/** The next token's probabilities after each row, by llama.cpp and by Graft. */
function compareLogits(what, { logits }, { logProbs }) {
  const { shape, values } = readLogits(logits);
  const [, longest, vocabulary] = shape;
  let [worst, largest, compared] = [0, 0, 0];
  logProbs.forEach((theirs, row) => {
    const start = (row * longest + theirs.at) * vocabulary;
    const ours = logSoftmax(values.subarray(start, start + vocabulary));
    theirs.values.forEach((value, id) => {
      // Smaller ones are not exact in f32.
      if (value < -80) return;
      compared += 1;
      largest = Math.max(largest, Math.abs(value));
      worst = Math.max(worst, Math.abs(value - ours[id]));
    });
  });
  const error = worst / largest;
  const fits = compared > 0.9 * logProbs.length * vocabulary && error <= TOLERANCE;
  report(
    fits ? 'ok' : 'FAIL',
    `${what}: llama.cpp's probabilities of the next token are Graft's: ${compared}, off by ${error.toExponential(1)} of the largest logarithm`,
  );
}

function logSoftmax(logits) {
  const most = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const total = logits.reduce((sum, value) => sum + Math.exp(value - most), 0);
  return logits.map((value) => value - most - Math.log(total));
}

/** Greedy answers are the same text, and end where they should. */
async function compareAnswers(name, model, prompts, { answers }) {
  const options = { model, raw: true, 'max-new-tokens': NEW_TOKENS };
  for (const [i, prompt] of prompts.entries()) {
    const ours = await graft('generate', { ...options, prompt });
    const { answer, ended } = answers[i];
    const text = `${name} as F16: llama.cpp's greedy answer is Graft's${ended ? ' and ends' : ''}: ${JSON.stringify(answer.slice(0, 60))}`;
    const same = answer.trim() === ours.trim();
    report(same ? 'ok' : 'FAIL', same ? text : `${text}, not ${JSON.stringify(ours.slice(0, 60))}`);
  }
  report(
    answers.some(({ ended }) => ended) ? 'ok' : 'FAIL',
    `${name} as F16: llama.cpp ends answers by itself`,
  );
}

/** Runs check_gguf.py, which prints "ok …" or "FAIL …" for each check. */
function runChecks(file, exact, type) {
  const script = join(here, 'check_gguf.py');
  const { status, stdout, stderr } = spawnSync(python, [script, libraries(), exact, file, type], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  for (const line of stdout.split('\n')) {
    const [, outcome, text] = /^(ok|FAIL) (.*)$/.exec(line) ?? [];
    if (outcome) report(outcome, text);
  }
  if (status !== 0) throw new Error(`check_gguf.py: ${stderr.trim().split('\n').at(-1)}`);
}

/** A folder for one model, and the paths of files in it. */
function place(folder, name) {
  mkdirSync(join(folder, name));
  return (file) => join(folder, name, file);
}

function report(outcome, text) {
  counts[outcome === 'ok' ? 'passed' : 'failed']++;
  console.log(`${outcome.padEnd(4)} ${text}`);
}
