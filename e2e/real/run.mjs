// Do Graft's tokenizers match those of Python's libraries? Four real ones, and small ones for every component and
// option, get the same inputs on both sides. One line per job; the last line is "N passed, N failed", with ", N
// skipped" if Python or the packages are unavailable.
import { spawnSync } from 'node:child_process';
import { createReadStream, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { root, run } from '../../src/launch/project.mjs';
import { preparePython } from '../interop/python.mjs';
import { compareAnswers } from './compare.mjs';

const here = join(root, 'e2e', 'real');
const counts = { passed: 0, failed: 0, skipped: 0 };

const { python, missing } = await preparePython();
const lacking = missing ?? installTokenizers();
if (lacking) {
  console.log(`skipped tokenizers of Python: ${lacking}`);
  counts.skipped++;
} else {
  await compareAll();
}
const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
console.log(`${counts.passed} passed, ${counts.failed} failed${skipped}`);
process.exitCode = counts.failed > 0 || counts.passed + counts.skipped === 0 ? 1 : 0;

async function compareAll() {
  const folder = mkdtempSync(join(tmpdir(), 'graft-real-'));
  try {
    const jobs = join(folder, 'jobs.json');
    const answers = { python: join(folder, 'python.jsonl'), graft: join(folder, 'graft.jsonl') };
    await mustRun('jobs.py', python, [join(here, 'jobs.py'), folder, jobs]);
    await Promise.all([
      mustRun('answer.py', python, ['-W', 'ignore', join(here, 'answer.py'), jobs, answers.python]),
      mustRun('answer.ts', process.execPath, [
        '--import',
        'tsx',
        join(here, 'answer.ts'),
        jobs,
        answers.graft,
      ]),
    ]);
    const [theirs, ours] = [lines(answers.python), lines(answers.graft)];
    for (const job of JSON.parse(readFileSync(jobs, 'utf8'))) {
      const { outcome, text } = compareAnswers(job, await next(theirs), await next(ours));
      counts[outcome]++;
      if (outcome !== 'passed' || !job.name.startsWith('variant'))
        console.log(`${outcome} ${job.name}: ${text}`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function lines(file) {
  return createInterface({ input: createReadStream(file) })[Symbol.asyncIterator]();
}

async function next(iterator) {
  const { value } = await iterator.next();
  return JSON.parse(value);
}

async function mustRun(name, command, args) {
  const env = {
    ...process.env,
    HF_HUB_OFFLINE: '1',
    TRANSFORMERS_VERBOSITY: 'error',
    RUST_BACKTRACE: '0',
    PYTHONPYCACHEPREFIX: join(root, '.venv', 'pycache'),
    PYTHONDONTWRITEBYTECODE: '',
  };
  const status = await run(command, args, { env, stdio: ['ignore', 'inherit', 'ignore'] });
  if (status !== 0) throw new Error(`${name} ended with status ${status}`);
}

/** Installs the packages of package.json; returns the reason on failure. */
function installTokenizers() {
  if (existsSync(join(here, 'node_modules', '.package-lock.json'))) return undefined;
  console.log('Installing four real tokenizers (150 MB, once) …');
  const { status, stderr } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: here,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  return status === 0 ? undefined : `npm ci failed in e2e/real: ${stderr.trim().split('\n').at(-1)}`;
}
