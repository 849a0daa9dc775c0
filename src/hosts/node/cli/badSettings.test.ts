import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fail, filesIn, runCli, scratchFolder } from '../../../testing/cli.ts';
import { goldenPath } from '../../../testing/fixtures.ts';
import { writeTinyStories } from '../../../testing/tinyStories.ts';

const scratch = scratchFolder();
const model = writeTinyStories(scratch);
const adapter = goldenPath('starter-lora', 'final_adapter');
const data = join(scratch, 'rows.jsonl');
writeFileSync(data, '{"input_ids": [1, 2, 3, 4]}\n');

let made = 0;
const newPath = () => join(scratch, `${(made += 1)}`);

describe.concurrent('a recipe', () => {
  it.each<[string, string | object, string | RegExp]>([
    [
      'with an unknown key',
      { learning_rate: 1 },
      /unknown key "learning_rate"\. Remove or correct it; the keys are method, /,
    ],
    [
      'with a key of the wrong type',
      { rank: '8' },
      '"rank" is "8", but must be a whole number from 1 to 512.',
    ],
    ['with a number out of range', { lr: -1 }, '"lr" is -1, but must be a number from 0 to 10.'],
    ['with infinity', '{"lr": 1e999}', '"lr" is Infinity, but'],
    ['with half a step', { max_steps: 1.5 }, '"max_steps" is 1.5, but must be a whole number'],
    [
      'of another method',
      { method: 'dora' },
      '"method" is "dora", but must be one of "lora", "qlora", "full".',
    ],
    ['with another quantization', { quant: 'int8' }, '"quant" is "int8", but must be "nf4".'],
    [
      'with a module that cannot be trained in full',
      { modules_to_save: ['wte'] },
      'This model cannot train “wte” in full. Choose from embed_tokens, lm_head',
    ],
    [
      'with an unknown schedule',
      { schedule: 'cosin' },
      '"schedule" is "cosin", but must be one of "cosine", ',
    ],
    ['with yes for true', { packing: 'yes' }, '"packing" is "yes", but must be true or false.'],
    [
      'with no targets',
      { targets: [] },
      '"targets" is [], but must be "all-linear" or a list of module names',
    ],
    [
      'with a target that is not there',
      { targets: ['q_proj', 'qproj'] },
      'This model has no module named qproj. Choose from q_proj,',
    ],
    [
      'with a layer that is not there',
      { layers: [0, 5] },
      'Layer 5 does not exist: the model has 5 layers, counted from 0.',
    ],
    ['with a layer below 0', { layers: [-1] }, '"layers" is [-1], but must be "all" or a list'],
    [
      'that leaves nothing to train on',
      { eval_fraction: 0.1 },
      'Holding out 1 of 1 rows for evaluation leaves none to train on.',
    ],
    ['that is not JSON', 'rank: 8', /^File “\d+” is not valid JSON: /],
    ['that is a list', [{ rank: 8 }], 'The recipe is not a JSON object.'],
  ])('%s is told', async (_, recipe, text) => {
    const [path, out] = [newPath(), newPath()];
    writeFileSync(path, typeof recipe === 'string' ? recipe : JSON.stringify(recipe));
    const line = await fail(['train', '--model', model, '--data', data, '--out', out, '--recipe', path]);
    expect(line).toMatch(text);
    expect(existsSync(out)).toBe(false);
  });

  it('is told when it is not there', async () => {
    const line = await fail([
      'train',
      '--model',
      model,
      '--data',
      data,
      '--out',
      newPath(),
      '--recipe',
      join(scratch, 'no.json'),
    ]);
    expect(line).toMatch(`“no.json” is not in ${scratch}.`);
  });
});

describe.concurrent('options', () => {
  const generate = ['generate', '--model', model, '--prompt', 'x'];
  it.each<[string[], string]>([
    [['tran'], '“tran” is not a command. Use one of data, train, sweep, eval, evaluate, generate, merge'],
    [['constructor'], '“constructor” is not a command.'],
    [['train', '--model', model], 'Option --data is required. Usage: train --model DIR --data FILE'],
    [['train', '--modle', model], 'Unknown option --modle. Usage: train'],
    [['eval', '--model', '--data', data], '--model needs a value. Usage: eval'],
    [['eval', '--model'], '--model needs a value.'],
    [['eval', model], `Unexpected argument “${model}”.`],
    [['eval', '--model', model, '--model', model], '--model appears more than once.'],
    [
      ['eval', '--model', model, '--data', data, '--mask', 'some'],
      '--mask must be assistant or all or last or chatml, not “some”.',
    ],
    [generate, 'Option --max-new-tokens is required.'],
    [[...generate, '--max-new-tokens', '1.5'], '--max-new-tokens must be a whole number ≥ 1, not “1.5”.'],
    [
      [...generate, '--max-new-tokens', '9', '--temperature', '-1'],
      '--temperature must be a number ≥ 0, not “-1”.',
    ],
    [
      [...generate, '--max-new-tokens', '9', '--top-p', '2'],
      '--top-p must be a number from 0 to 1, not “2”.',
    ],
    [[...generate, '--max-new-tokens', '9', '--dtype', 'f8'], '--dtype must be f32 or f16, not “f8”.'],
    [[...generate, '--max-new-tokens', '9', '--raw=yes'], '--raw does not take a value.'],
  ])('%j are told', async (args, text) => {
    expect(await fail(args)).toMatch(text);
  });

  it.each(['huge', '0', '-1MB', ''])('--max-shard-size “%s” is refused', async (size) => {
    const out = newPath();
    const args = ['merge', '--model', model, '--adapter', adapter, '--out', out, `--max-shard-size=${size}`];
    expect(await fail(args)).toMatch(
      `--max-shard-size must be a size such as 8GB, 6GiB or a number of bytes, not “${size}”.`,
    );
    expect(existsSync(out)).toBe(false);
  });
});

describe.concurrent('a place to write to', () => {
  const merge = (out: string) => fail(['merge', '--model', model, '--adapter', adapter, '--out', out]);

  it('is refused where anything would be overwritten: the model, the adapter, files of the person', async () => {
    for (const folder of [model, adapter]) {
      expect(await merge(folder)).toBe(
        `The output folder “${folder}” is not empty. Choose a new or empty folder.`,
      );
    }
    const mine = newPath();
    mkdirSync(mine);
    writeFileSync(join(mine, 'mine.txt'), 'mine');
    const line = await fail(['train', '--model', model, '--data', data, '--out', mine]);
    expect(line).toMatch('is not empty. Choose a new or empty folder.');
    expect(filesIn(mine)).toEqual(['mine.txt']);
  });

  it('is refused where there can be no folder, or no file', async () => {
    expect(await merge(data)).toBe(`“${data}” is not a folder. Use the path of a folder.`);
    expect(await merge(join(data, 'deeper'))).toMatch(`“${data}” is not a folder.`);
    const evaluate = ['eval', '--model', model, '--data', data, '--logits'];
    expect(await fail([...evaluate, scratch])).toMatch('is a folder, not a file. Use the path of a file.');
    expect(await fail([...evaluate, join(data, 'x.safetensors')])).toMatch(`“${data}” is not a folder.`);
  });
});

describe('a machine without a Vulkan driver', () => {
  it('is told, with what to install, and nothing is written', async () => {
    const out = newPath();
    const args = ['train', '--model', model, '--data', data, '--out', out];
    const { status, stdout, stderr } = await runCli(args, {
      VK_DRIVER_FILES: '',
      VK_ICD_FILENAMES: '/nonexistent',
    });
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    // Before it, the Vulkan loader says why in its own words.
    expect(stderr.trimEnd().split('\n').at(-1)).toBe(
      'graft: No GPU adapter was found, not even a software one (VK_ICD_FILENAMES is /nonexistent). ' +
        'Install a Vulkan driver; mesa-vulkan-drivers (Debian, Ubuntu) also works without a GPU.',
    );
    expect(existsSync(out)).toBe(false);
  });
});
