import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseRunRecord } from '../../../base/config/runRecord.ts';
import { defaultRecipe } from '../../../base/config/recipe.ts';
import {
  fail,
  filesIn,
  interruptAfter,
  readJsonLines,
  runCli,
  scratchFolder,
  succeed,
} from '../../../testing/cli.ts';
import { alpaca, goldenPath, robotStories, starter } from '../../../testing/fixtures.ts';
import { copyFolder } from '../../../testing/folders.ts';
import { needShared, sharedPath } from '../../../testing/shared.ts';

const scratch = scratchFolder();
const model = starter;
const stories = robotStories;

function recipeFile(name: string, recipe: object): string {
  const path = join(scratch, `${name}.recipe.json`);
  writeFileSync(path, JSON.stringify(recipe));
  return path;
}

function trainArgs(name: string, data: string, recipe: string): string[] {
  const out = join(scratch, name);
  return ['train', '--model', model, '--data', data, '--out', out, '--recipe', recipe];
}

const read = (name: string, file: string) => readFileSync(join(scratch, name, file));
const losses = (name: string) =>
  readJsonLines<{ loss: number }>(join(scratch, name, 'metrics.jsonl')).map(({ loss }) => loss);

describe('train on text', () => {
  const asked = { rank: 8, alpha: 16, lr: 5e-3, max_steps: 5, warmup_steps: 1, batch_size: 2, dropout: 0.05 };

  it('writes the adapter, the whole recipe and the metrics, and the same bits from that recipe', async () => {
    expect(await succeed(trainArgs('first', stories, recipeFile('first', asked)))).toBe('');
    expect(filesIn(join(scratch, 'first'))).toEqual([
      'README.md',
      'adapter_config.json',
      'adapter_model.safetensors',
      'metrics.jsonl',
      'recipe.json',
      'training.json',
    ]);
    expect(JSON.parse(read('first', 'recipe.json').toString())).toEqual({ ...defaultRecipe(), ...asked });
    expect(parseRunRecord(JSON.parse(read('first', 'training.json').toString()))).toMatchObject({
      base: { name: 'starter', repo: null },
      data: { rows: 216, evalRows: 24 },
      recipe: asked,
      steps: 5,
    });
    expect(read('first', 'README.md').toString()).toContain('A LoRA adapter for `starter`.');
    expect(JSON.parse(read('first', 'adapter_config.json').toString())).toMatchObject({
      peft_type: 'LORA',
      base_model_name_or_path: 'starter',
      r: 8,
      lora_alpha: 16,
      lora_dropout: 0.05,
    });
    const first = losses('first');
    expect(first).toHaveLength(5);
    expect(first.at(-1)).toBeLessThan(0.8 * first[0]!);

    await succeed(trainArgs('again', stories, join(scratch, 'first', 'recipe.json')));
    // The card's title is the folder's name.
    for (const file of filesIn(join(scratch, 'first')).filter((name) => name !== 'README.md')) {
      expect(read('again', file).equals(read('first', file)), file).toBe(true);
    }
  });

  it('measures the loss on a validation file, holds out none then, and names rows in both', async () => {
    const lines = readFileSync(stories, 'utf8').split('\n');
    const validation = join(scratch, 'validation.jsonl');
    writeFileSync(validation, [...lines.slice(4, 6), 'broken'].join('\n'));
    const args = trainArgs('validated', stories, recipeFile('validated', { max_steps: 2, batch_size: 1 }));
    const { status, stderr } = await runCli([...args, '--eval-data', validation]);
    expect({ status, stderr }).toMatchObject({ status: 0 });
    expect(stderr).toMatch(/rows? (has a prompt|have prompts).* also in the validation file \(lines? .*5/);
    expect(stderr).toContain('validation.jsonl: Line 3');
    expect(stderr).not.toContain('held out');
    expect(stderr).toMatch(/^step 2 {2}eval loss \d+\.\d{4}$/m);
    const record = parseRunRecord(JSON.parse(read('validated', 'training.json').toString()));
    expect(record?.data).toMatchObject({ rows: 240, evalRows: 2, validation: 'validation.jsonl' });
    expect(record?.evalLosses.map(({ step }) => step)).toEqual([0, 2]);
    expect(read('validated', 'README.md').toString()).toContain('Evaluated on 2 rows of `validation.jsonl`.');
  });

  it('says how many rows it holds out by itself, and none of few', async () => {
    const run = async (name: string, rows: number) => {
      const data = join(scratch, `${name}.jsonl`);
      writeFileSync(data, readFileSync(stories, 'utf8').split('\n').slice(0, rows).join('\n'));
      const recipe = recipeFile(name, { max_steps: 1, batch_size: 1, targets: ['q_proj'] });
      const { stderr } = await runCli(trainArgs(name, data, recipe));
      const record = parseRunRecord(JSON.parse(read(name, 'training.json').toString()));
      return [/Rows held out for evaluation: (\d+)/.exec(stderr)?.[1], record?.data.evalRows];
    };
    expect(await run('fifty', 50)).toEqual(['5', 5]);
    expect(await run('fewer', 49)).toEqual([undefined, 0]);
  });

  it('goes on from an adapter with the adapter’s own shape, and says so', async () => {
    const args = trainArgs('further', stories, recipeFile('further', { max_steps: 1, batch_size: 1 }));
    const from = ['--init-adapter', goldenPath('starter-lora', 'init_adapter')];
    const { status, stderr } = await runCli([...args, ...from]);
    expect(status).toBe(0);
    expect(stderr).toContain('its own rank, alpha, modules and layers');
    const { r } = JSON.parse(read('further', 'adapter_config.json').toString()) as { r: number };
    expect(JSON.parse(read('further', 'recipe.json').toString())).toMatchObject({ rank: r, max_steps: 1 });
    expect(r).not.toBe(defaultRecipe().rank);
  });

  it('writes the adapter in 8 bits when asked, and reads it', async () => {
    const recipe = recipeFile('int8', { ...asked, optimizer: 'adamw_8bit', rank: 64 });
    await succeed(trainArgs('exact', stories, recipe));
    await succeed([...trainArgs('int8', stories, recipe), '--adapter-dtype', 'int8']);
    expect(filesIn(join(scratch, 'int8'))).toContain('adapter_model.int8.safetensors');
    expect(filesIn(join(scratch, 'int8'))).not.toContain('adapter_model.safetensors');
    const size = (name: string, file: string) => read(name, file).byteLength;
    const share = size('int8', 'adapter_model.int8.safetensors') / size('exact', 'adapter_model.safetensors');
    expect(share).toBeLessThan(0.3);
    const few = join(scratch, 'few.jsonl');
    writeFileSync(few, readFileSync(stories, 'utf8').split('\n').slice(0, 12).join('\n'));
    const evalLoss = async (name: string) => {
      const args = ['eval', '--model', model, '--data', few, '--adapter', join(scratch, name)];
      return (JSON.parse(await succeed(args)) as { loss: number }).loss;
    };
    const [exact, rounded] = [await evalLoss('exact'), await evalLoss('int8')];
    expect(rounded).not.toBe(exact);
    expect(Math.abs(rounded / exact - 1)).toBeLessThan(0.01);
  });

  it('trains in f16 with dropout, packing, accumulation and rows set aside', async () => {
    const recipe = {
      dtype: 'f16',
      packing: true,
      grad_accum: 2,
      batch_size: 1,
      max_steps: 2,
      lr: 2e-3,
      eval_fraction: 0.01,
      rslora: true,
      targets: ['q_proj', 'v_proj'],
      layers: [0, 3],
      dropout: 0.1,
    };
    const { status, stderr } = await runCli(trainArgs('halved', stories, recipeFile('halved', recipe)));
    expect({ status, stderr }).toMatchObject({ status: 0 });
    expect(stderr).toMatch(/^step 2 {2}eval loss \d+\.\d{4}$/m);
    expect(losses('halved').every((loss) => loss > 0 && loss < 10)).toBe(true);
    expect(JSON.parse(read('halved', 'adapter_config.json').toString())).toMatchObject({
      layers_to_transform: [0, 3],
      target_modules: ['q_proj', 'v_proj'],
      use_rslora: true,
    });
  });

  it.for([
    ['alpaca.json', alpaca],
    ['alpaca_en_demo.json', sharedPath('data/alpaca_en_demo.json')],
    ['identity.json', sharedPath('data/identity.json')],
  ] as const)('trains on %s, a JSON array', async ([file, path], context) => {
    if (path !== alpaca) needShared(context, `data/${file}`);
    const recipe = recipeFile(file, { max_steps: 2, batch_size: 2, max_length: 256 });
    const { status, stderr } = await runCli(trainArgs(`on-${file}`, path, recipe));
    expect({ status, stderr }).toMatchObject({ status: 0 });
    expect(losses(`on-${file}`)).toHaveLength(2);
    expect(stderr).toMatch(/^Rows truncated to 256 tokens: \d+ \(\d+ tokens dropped\)\.$/m);
  });

  it('ends after its step and keeps the adapter when interrupted', async () => {
    const recipe = recipeFile('stopped', { max_steps: 5000, batch_size: 1 });
    const { status, stderr } = await interruptAfter('step 2/', trainArgs('stopped', stories, recipe));
    expect({ status, stderr }).toMatchObject({ status: 0 });
    expect(filesIn(join(scratch, 'stopped'))).toContain('adapter_config.json');
    expect(losses('stopped').length).toBeLessThan(5000);
  });
});

describe('weights that are not numbers', () => {
  // The last tensor is the last norm, of at least 128 bytes.
  const nan = (bytes: Buffer) => Buffer.concat([bytes.subarray(0, -128), Buffer.alloc(128, 0xff)]);
  const broken = copyFolder(model, join(scratch, 'broken'), { 'model.safetensors': nan });

  it('end training, which keeps the last good adapter and fails', async () => {
    const args = trainArgs('diverged', stories, recipeFile('diverged', { max_steps: 40, batch_size: 1 }));
    const { status, stderr } = await runCli([...args.slice(0, 1), '--model', broken, ...args.slice(3)]);
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /^graft: Training diverged at step 5: .* the adapter of the last good step is available\.$/m,
    );
    expect(filesIn(join(scratch, 'diverged'))).toContain('adapter_config.json');
  });

  it('make eval fail instead of printing a loss', async () => {
    const data = join(scratch, 'row.jsonl');
    writeFileSync(data, '{"input_ids": [1, 2, 3, 4]}\n');
    const line = await fail(['eval', '--model', broken, '--data', data]);
    expect(line).toMatch(/^The loss is not finite\. Check the weights/);
  });
});
