// Graft's command line, run as a person runs it, and the files it writes for each model.
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from '../../src/launch/project.mjs';

const shared = join(root, '..', 'shared');

/** Between them: F32 and BF16, tied and not, biases, q/k norms, scaled RoPE; one file and several. */
const models = [
  {
    name: 'stories260k',
    data: join(shared, 'data', 'robot-stories.jsonl'),
    recipe: { rank: 8, alpha: 16 },
    maxShardSize: '300KB',
    texts: [
      'Once upon a time, there was a little girl.',
      ' two  spaces ',
      'line\nbreak\ttab',
      'naïve café, 你好, 🤖',
      'a </s> b<s>c',
      '',
    ],
  },
  {
    name: 'tiny-qwen2',
    recipe: { rank: 5, alpha: 10, rslora: true, targets: ['q_proj', 'v_proj', 'down_proj'] },
    maxShardSize: '300KB',
  },
  // Shards smaller than the largest tensor, which then stands alone.
  { name: 'tiny-qwen3', recipe: { rank: 4, alpha: 8, layers: [0, 2] }, maxShardSize: '60KB' },
  { name: 'tiny-llama3', recipe: { rank: 16, alpha: 16, dropout: 0.1 }, maxShardSize: '4096MB' },
  // LoRA on the head: of a tied model, whose merge unties it, and of one that is not, beside a choice of layers.
  {
    name: 'stories260k-head',
    of: 'stories260k',
    data: join(shared, 'data', 'robot-stories.jsonl'),
    recipe: { rank: 4, alpha: 8, targets: ['q_proj', 'lm_head'], dropout: 0.1 },
    maxShardSize: '300KB',
  },
  {
    name: 'tiny-qwen2-head',
    of: 'tiny-qwen2',
    recipe: { rank: 3, alpha: 6, targets: ['lm_head', 'v_proj'], layers: [1] },
    maxShardSize: '300KB',
  },
];

/** Few and short steps, at a rate that takes B far from zero. */
const training = {
  ...{ lr: 0.01, schedule: 'constant', warmup_steps: 0 },
  ...{ max_steps: 4, max_length: 64, dtype: 'f32' },
};

const ROW_LENGTHS = [2, 17, 64, 300];
const VOCABULARY = 512;
const NEW_TOKENS = 80;

/**
 * Trains, merges and evaluates each model in `folder/<name>`.
 * Returns what was made, for check.py, and an error by the name of each model where a command failed.
 */
export async function writeFiles(folder) {
  const made = [];
  const errors = [];
  for (const model of models) {
    try {
      made.push(await writeModel(model, join(folder, model.name)));
    } catch (error) {
      errors.push(`${model.name}: ${error.message}`);
    }
  }
  return { made, errors };
}

async function writeModel({ name, of = name, data, recipe, maxShardSize, texts }, folder) {
  mkdirSync(folder);
  const at = (file) => join(folder, file);
  const model = join(shared, 'models', of);
  const rows = at('rows.jsonl');
  writeFileSync(rows, randomRows());
  writeFileSync(at('recipe.json'), JSON.stringify({ ...training, ...recipe }));

  const [adapter, merged] = [at('adapter'), at('merged')];
  await graft('train', { model, data: data ?? rows, out: adapter, recipe: at('recipe.json') });
  await graft('merge', { model, adapter, out: merged, 'max-shard-size': maxShardSize });
  const made = {
    ...{ name, model, rows, adapter, merged, maxShardSize },
    adapterEval: await evaluate({ model, adapter, data: rows, logits: at('adapter.safetensors') }),
    mergedEval: await evaluate({ model: merged, data: rows, logits: at('merged.safetensors') }),
    // Where check.py has peft and transformers save the same again.
    savedAdapter: at('saved-adapter'),
    savedMerged: at('saved-merged'),
  };
  if (texts) {
    writeFileSync(at('texts.json'), JSON.stringify(texts));
    made.tokens = { texts, ids: JSON.parse(await tsx('e2e/interop/tokenIds.ts', model, at('texts.json'))) };
    const options = { prompt: '', 'max-new-tokens': NEW_TOKENS };
    made.generated = {
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
 * Its widths, 64 and 172, are ones that bitsandbytes 0.50 dequantizes right on a CPU; at 96 it does not.
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
    ...{ name: title, folder: at(name), rows, in4bit },
    evaluation: await evaluate({ model: at(name), data: rows, logits: at(`${name}.safetensors`) }),
  });
  const again = (name, nested) => ({
    ...{ model, nested, saved: at(`${name}-saved`), logits: at(`${name}-saved.safetensors`) },
  });
  return [
    { ...(await describe('NF4', 'plain')), again: again('plain', false) },
    { ...(await describe('NF4, nested', 'nested')), again: again('nested', true) },
    await describe('merged into NF4', 'merged-nf4'),
    await describe('merged out of NF4', 'dequantized', false),
  ];
}

/** Trains the adapter that `writeFiles` made some steps further, each token's loss with a weight of its own. */
export async function writeWeighted({ name, model, adapter }, folder) {
  mkdirSync(folder, { recursive: true });
  await tsx('e2e/interop/weightedLoss.ts', model, adapter, folder);
  return { name, model, adapter, folder };
}

/**
 * The starter with the ends of a base model such as Qwen2.5's (EOS is <|endoftext|>, its template ends turns with
 * <|im_end|>), trained for a step that changes next to nothing, and merged.
 */
export async function writeEnds(folder) {
  const at = (file) => join(folder, file);
  const [base, adapter, merged] = [at('base'), at('adapter'), at('merged')];
  cpSync(join(root, 'public', 'starter'), base, { recursive: true });
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

/** Runs `eval`; returns what it prints, with the path of its logits. */
export async function evaluate(options) {
  return { ...JSON.parse(await graft('eval', options)), logits: options.logits };
}

/** Runs a command of Graft; returns what it prints. Throws with the line it ended with when it fails. */
async function graft(command, options) {
  const flags = Object.entries(options).flatMap(([name, value]) =>
    value === true ? [`--${name}`] : [`--${name}`, String(value)],
  );
  return tsx('src/cli/main.ts', command, ...flags);
}

async function tsx(file, ...args) {
  try {
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', file, ...args], {
      cwd: root,
      maxBuffer: 1 << 26,
    });
    return stdout.replace(/\n$/, '');
  } catch (error) {
    const last = error.stderr?.trim().split('\n').at(-1) || error.message;
    throw new Error(`${args[0]}: ${last}`, { cause: error });
  }
}

/** Pre-tokenized rows of random ids, a third of them not to be learned; the same ones every time. */
function randomRows() {
  let state = 20_240_601;
  // Numerical Recipes' generator; its high bits are the good ones.
  const random = () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
  const rows = ROW_LENGTHS.map((length) => {
    const ids = Array.from({ length }, () => 3 + Math.floor(random() * (VOCABULARY - 3)));
    return { input_ids: ids, labels: ids.map((id, i) => (i > 1 && random() < 1 / 3 ? -100 : id)) };
  });
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}
