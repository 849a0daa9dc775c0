// Runs Graft's command line as the package has it, and writes its input files for each model.
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { buildCli } from '../../src/launch/buildCli.mjs';
import { root } from '../../src/launch/project.mjs';

export const starter = join(root, 'public', 'starter');
const stories = join(root, 'public', 'samples', 'robot-stories.jsonl');
export const randomModel = (name) => join(root, 'e2e', 'fixtures', 'models', name);

/** Texts whose tokens are compared. */
const texts = [
  'Once upon a time, there was a little girl.',
  ' two  spaces ',
  'line\nbreak\ttab',
  'naïve café, 你好, 🤖',
  'a </s> b<s>c<|im_end|>',
  '',
];

/**
 * Between them: F32 and BF16, tied and not, biases, q/k norms, scaled RoPE; one file and several; tokenizers of bytes and
 * of SentencePiece. `tiny-stories` is written first, see tinyStories.ts.
 */
const models = [
  {
    name: 'starter',
    data: stories,
    recipe: { rank: 8, alpha: 16 },
    maxShardSize: '500KB',
    texts,
    prompt: '<|im_start|>user\nTell a story about Zip and a red ball.<|im_end|>\n<|im_start|>assistant\n',
  },
  { name: 'tiny-stories', data: stories, recipe: { rank: 8, alpha: 16 }, maxShardSize: '300KB', texts },
  {
    name: 'tiny-qwen2',
    recipe: { rank: 5, alpha: 10, rslora: true, targets: ['q_proj', 'v_proj', 'down_proj'] },
    maxShardSize: '300KB',
  },
  // Shards smaller than the largest tensor, which then gets its own.
  { name: 'tiny-qwen3', recipe: { rank: 4, alpha: 8, layers: [0, 2] }, maxShardSize: '60KB' },
  { name: 'tiny-llama3', recipe: { rank: 16, alpha: 16, dropout: 0.1 }, maxShardSize: '4096MB' },
  // LoRA on the head: of a tied model, which merging unties, and of an untied one, together with selected layers.
  {
    name: 'starter-head',
    of: 'starter',
    data: stories,
    recipe: { rank: 4, alpha: 8, targets: ['q_proj', 'lm_head'], dropout: 0.1 },
    maxShardSize: '500KB',
  },
  {
    name: 'tiny-qwen2-head',
    of: 'tiny-qwen2',
    recipe: { rank: 3, alpha: 6, targets: ['lm_head', 'v_proj'], layers: [1] },
    maxShardSize: '300KB',
  },
];

/** Few short steps, at a rate that takes B far from zero. */
const training = {
  lr: 0.01,
  schedule: 'constant',
  warmup_steps: 0,
  max_steps: 4,
  max_length: 64,
  dtype: 'f32',
};

const ROW_LENGTHS = [2, 17, 64, 300];
/** Of the smallest of the vocabularies. */
const VOCABULARY = 512;
const NEW_TOKENS = 80;

/** The folder of the command line, once it is asked for. */
let built = null;

/**
 * Trains, merges and evaluates each model in `folder/<name>`. Returns the results, for check.py, and errors by name of
 * the models where a command failed.
 */
export async function writeFiles(folder) {
  const made = [];
  const errors = [];
  const tinyStories = await tsx('e2e/interop/tinyStories.ts', folder);
  const folders = { starter, 'tiny-stories': tinyStories };
  for (const model of models) {
    try {
      const { name, of = name } = model;
      const base = folders[of] ?? randomModel(of);
      made.push(await writeModel(model, base, join(folder, 'made', name)));
    } catch (error) {
      errors.push(`${model.name}: ${error.message}`);
    }
  }
  return { made, errors };
}

async function writeModel({ name, data, recipe, maxShardSize, texts: compared, prompt }, model, folder) {
  mkdirSync(folder, { recursive: true });
  const at = (file) => join(folder, file);
  const rows = at('rows.jsonl');
  writeFileSync(rows, randomRows());
  writeFileSync(at('recipe.json'), JSON.stringify({ ...training, ...recipe }));

  const [adapter, merged] = [at('adapter'), at('merged')];
  await graft('train', { model, data: data ?? rows, out: adapter, recipe: at('recipe.json') });
  await graft('merge', { model, adapter, out: merged, 'max-shard-size': maxShardSize });
  const made = {
    name,
    model,
    rows,
    adapter,
    merged,
    maxShardSize,
    adapterEval: await evaluate({ model, adapter, data: rows, logits: at('adapter.safetensors') }),
    mergedEval: await evaluate({ model: merged, data: rows, logits: at('merged.safetensors') }),
    // check.py has peft and transformers save the same again here.
    savedAdapter: at('saved-adapter'),
    savedMerged: at('saved-merged'),
  };
  if (compared) {
    writeFileSync(at('texts.json'), JSON.stringify(compared));
    const ids = JSON.parse(await tsx('e2e/interop/tokenIds.ts', model, at('texts.json')));
    made.tokens = { texts: compared, ids };
  }
  if (prompt) {
    const options = { raw: true, prompt, 'max-new-tokens': NEW_TOKENS };
    made.generated = {
      prompt,
      newTokens: NEW_TOKENS,
      base: await graft('generate', { model, ...options }),
      adapter: await graft('generate', { model, adapter, ...options }),
      merged: await graft('generate', { model: merged, ...options }),
    };
  }
  return made;
}

/**
 * Models in 4 bits, of one of those that `writeFiles` made: quantized, and merged into 4 bits and out of them.
 * The widths of tiny-stories, 64 and 172, are ones that bitsandbytes 0.50 dequantizes right on a CPU; at 96 it does not.
 */
export async function writeQuantized({ model, adapter, rows }, folder) {
  const at = (file) => join(folder, file);
  mkdirSync(folder);
  const plain = { model, format: 'nf4', out: at('plain') };
  await graft('quantize', plain);
  await graft('quantize', { ...plain, out: at('nested'), 'double-quant': true, 'max-shard-size': '100KB' });
  await graft('merge', { model, adapter, out: at('merged-nf4'), quantize: 'nf4' });
  const from = { model: at('nested'), adapter, onto: 'dequantized' };
  await graft('merge', { ...from, out: at('dequantized') });
  const describe = async (title, name, in4bit = true) => ({
    name: title,
    folder: at(name),
    rows,
    in4bit,
    evaluation: await evaluate({ model: at(name), data: rows, logits: at(`${name}.safetensors`) }),
  });
  const again = (name, nested) => ({
    model,
    nested,
    saved: at(`${name}-saved`),
    logits: at(`${name}-saved.safetensors`),
  });
  return [
    { ...(await describe('NF4', 'plain')), again: again('plain', false) },
    { ...(await describe('NF4, nested', 'nested')), again: again('nested', true) },
    await describe('merged into NF4', 'merged-nf4'),
    await describe('merged out of NF4', 'dequantized', false),
  ];
}

/** Trains the adapter that `writeFiles` made some steps further, with a separate loss weight per token. */
export async function writeWeighted({ name, model, adapter }, folder) {
  mkdirSync(folder, { recursive: true });
  await tsx('e2e/interop/weightedLoss.ts', model, adapter, folder);
  return { name, model, adapter, folder };
}

/** Mixes the adapters that mixes.py made, each as it says. */
export async function mixAll(folder) {
  const { cases } = JSON.parse(readFileSync(join(folder, 'mixes.json'), 'utf8'));
  for (const { name, adapters, weights, ...settings } of cases) {
    const out = join(folder, 'graft', name);
    await graft('mix', { adapters: adapters.join(','), weights: weights.join(','), ...settings, out });
  }
}

/** Trains on preferences as preferences.py says: by pairs, and by answers that are good or bad. */
export async function trainPreferences(folder) {
  const at = (file) => join(folder, file);
  const { base: model, cases } = JSON.parse(readFileSync(at('preferences.json'), 'utf8'));
  mkdirSync(at('graft'));
  for (const { name, data } of cases) {
    const recipe = at(`${name}.json`);
    const out = at(join('graft', name));
    await graft('train', { model, data: at(`${data}.jsonl`), recipe, 'init-adapter': at('init'), out });
  }
}

/** Scores the rows and questions of evaluation.py with the starter. */
export async function evaluateRows(folder) {
  const at = (file) => join(folder, file);
  for (const name of ['rows', 'arc', 'mmlu']) {
    const settings = { data: at(`${name}.jsonl`), json: at(`${name}.json`), 'max-new-tokens': 24 };
    await graft('evaluate', { model: starter, ...settings });
  }
  const shots = [
    ['arc', 'arc-own', { shots: 2 }],
    ['arc', 'arc-other', { shots: 3, 'shots-from': at('shots.jsonl') }],
    ['mmlu', 'mmlu-own', { shots: 1 }],
  ];
  for (const [data, name, settings] of shots)
    await graft('evaluate', {
      model: starter,
      data: at(`${data}.jsonl`),
      json: at(`${name}.json`),
      ...settings,
    });
}

/** Trains on rewarded samples as grpo.py says; see grpoSteps.ts. */
export const runGrpo = (folder) => tsx('e2e/interop/grpoSteps.ts', folder);

/** Trains with PiSSA on a model; see pissa.ts. */
export const trainPissa = (model, folder) => tsx('e2e/interop/pissa.ts', model, folder);

/** A run and its job in `folder`; see clusterJob.ts. */
export const clusterJob = (mode, folder) => tsx('e2e/interop/clusterJob.ts', mode, folder);

/** Runs the models that make_families.py wrote, and leaves what it computes beside them. */
export const runFamilies = (manifest) => tsx('e2e/interop/families.ts', manifest);

/**
 * The starter with the end tokens of a base model such as Qwen2.5's (EOS is <|endoftext|>, its template ends turns with
 * <|im_end|>), trained for a step that changes next to nothing, and merged.
 */
export async function writeEnds(folder) {
  const at = (file) => join(folder, file);
  const [base, adapter, merged] = [at('base'), at('adapter'), at('merged')];
  cpSync(starter, base, { recursive: true });
  const change = (file, changes) => {
    const json = JSON.parse(readFileSync(join(base, file), 'utf8'));
    writeFileSync(join(base, file), JSON.stringify({ ...json, ...changes }));
  };
  const { pad_token_id: eos } = JSON.parse(readFileSync(join(base, 'config.json'), 'utf8'));
  change('tokenizer_config.json', { eos_token: '<|endoftext|>' });
  for (const file of ['config.json', 'generation_config.json']) change(file, { eos_token_id: eos });
  const messages = [
    { role: 'user', content: 'hi' },
    { role: 'assistant', content: 'Hello' },
  ];
  writeFileSync(at('rows.jsonl'), JSON.stringify({ messages }));
  writeFileSync(at('recipe.json'), JSON.stringify({ ...training, rank: 4, lr: 1e-6, max_steps: 1 }));
  const prompt = 'Hello, who are you?';
  const answer = await graft('generate', { model: base, prompt, 'max-new-tokens': NEW_TOKENS });
  await graft('train', { model: base, data: at('rows.jsonl'), out: adapter, recipe: at('recipe.json') });
  await graft('merge', { model: base, adapter, out: merged });
  return [{ name: 'ends of a base model', base, adapter, merged, prompt, answer, newTokens: NEW_TOKENS }];
}

/** Runs `eval`; returns its output, with the path of its logits. */
export async function evaluate(options) {
  return { ...JSON.parse(await graft('eval', options)), logits: options.logits };
}

/** Runs a command of Graft; returns its output. Throws with its last line if it fails. */
export async function graft(command, options) {
  const flags = Object.entries(options).flatMap(([name, value]) =>
    value === true ? [`--${name}`] : [`--${name}`, String(value)],
  );
  built ??= buildCli();
  return node(join(await built, 'cli.js'), command, ...flags);
}

/** Runs a TypeScript file of the project; returns its output. */
export const tsx = (file, ...args) => node('--import', 'tsx', file, ...args);

async function node(...args) {
  try {
    const { stdout } = await promisify(execFile)(process.execPath, args, {
      cwd: root,
      maxBuffer: 1 << 26,
    });
    return stdout.replace(/\n$/, '');
  } catch (error) {
    const last = error.stderr?.trim().split('\n').at(-1) || error.message;
    throw new Error(`${args.slice(0, 3).join(' ')}: ${last}`, { cause: error });
  }
}

/** Pre-tokenized rows of random ids, a third of them masked; always the same ones. */
export function randomRows() {
  let state = 20_240_601;
  // Numerical Recipes' generator; its high bits are the good ones.
  const random = () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
  const rows = ROW_LENGTHS.map((length) => {
    const ids = Array.from({ length }, () => 3 + Math.floor(random() * (VOCABULARY - 3)));
    return { input_ids: ids, labels: ids.map((id, i) => (i > 1 && random() < 1 / 3 ? -100 : id)) };
  });
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}
