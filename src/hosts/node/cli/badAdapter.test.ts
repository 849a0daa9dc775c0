import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fail, runCli, scratchFolder } from '../../../testing/cli.ts';
import { goldenPath, starter } from '../../../testing/fixtures.ts';
import { copyFolder, withFields, withHeader, type Edit } from '../../../testing/folders.ts';
import { writeTinyStories } from '../../../testing/tinyStories.ts';

const scratch = scratchFolder();
const model = starter;
const own = goldenPath('starter-lora', 'final_adapter');
const tinyStories = writeTinyStories(scratch);
const data = join(scratch, 'rows.jsonl');
writeFileSync(data, '{"prompt": "Who is Zip?", "completion": "Zip is a robot."}\n');

const config = 'adapter_config.json';
const weights = 'adapter_model.safetensors';

let made = 0;
const newPath = () => join(scratch, `${(made += 1)}`);

describe.concurrent('an adapter', () => {
  const evaluate = (adapter: string, on = model) =>
    fail(['eval', '--model', on, '--adapter', adapter, '--data', data]);

  it.each<[string, Record<string, Edit>, string | RegExp]>([
    [
      'of another rank than its config says',
      { [config]: withFields({ r: 2 }) },
      /tensor “base_model\..*lora_A\.weight” has shape \[4, \d+\], expected \[2, inputs\], according to the rank in adapter_config\.json/,
    ],
    [
      'without a rank',
      { [config]: withFields({ r: undefined }) },
      'In “adapter_config.json”, “r” is missing, expected a whole number above 0.',
    ],
    [
      'of DoRA without magnitudes',
      { [config]: withFields({ use_dora: true }) },
      'has lora_B but no lora_magnitude_vector',
    ],
    [
      'with magnitudes of DoRA',
      {
        [weights]: withHeader((json) => json.replace('q_proj.lora_A.weight', 'q_proj.lora_magnitude_vector')),
      },
      'q_proj.lora_magnitude_vector” of “adapter_model.safetensors” is not part of a plain LoRA adapter (it is a DoRA magnitude).',
    ],
    [
      'of another method',
      { [config]: withFields({ peft_type: 'IA3' }) },
      'uses the method "IA3", which Graft does not support',
    ],
    [
      'that names a trained head without its weights',
      { [config]: withFields({ modules_to_save: ['lm_head'] }) },
      'lists “lm_head” in modules_to_save, but “adapter_model.safetensors” does not contain its weights.',
    ],
    [
      'with half a module',
      { [weights]: withHeader((json) => json.replace('q_proj.lora_A', 'q_projx.lora_A')) },
      'has lora_A but no lora_B.',
    ],
    ['with a config cut off', { [config]: '{' }, 'File “adapter_config.json” is not valid JSON'],
    ['with weights cut off', { [weights]: (bytes) => bytes.subarray(0, 9000) }, 'The file is incomplete'],
    ['without weights', { [weights]: null }, 'is not a PEFT adapter: it has no adapter_model.safetensors.'],
    [
      'of Git LFS pointers',
      { [weights]: 'version https://git-lfs.github.com/spec/v1\n' },
      'File “adapter_model.safetensors” is a Git LFS pointer',
    ],
    [
      'stored as a pickle',
      { [weights]: null, 'adapter_model.bin': 'x' },
      'stored as adapter_model.bin, a pickle',
    ],
  ])('%s is told', async (_, edits, text) => {
    expect(await evaluate(copyFolder(own, newPath(), edits))).toMatch(text);
  });

  it('with weights of some modules alone is used, with a warning', async () => {
    const fewer = copyFolder(own, newPath(), {
      [config]: withFields({
        target_modules: [
          'q_proj',
          'k_proj',
          'v_proj',
          'o_proj',
          'gate_proj',
          'up_proj',
          'down_proj',
          'lm_head',
        ],
      }),
    });
    const { status, stderr, stdout } = await runCli([
      'eval',
      '--model',
      model,
      '--adapter',
      fewer,
      '--data',
      data,
    ]);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ tokens: expect.any(Number) as number });
    expect(stderr).toMatch(
      'has no weights for 1 of the 15 modules that its adapter_config.json targets: lm_head.',
    );
  });

  it('that is a model, or nothing, is told', async () => {
    expect(await evaluate(model)).toMatch('starter is not a PEFT adapter: it has no adapter_config.json.');
    expect(await evaluate(join(scratch, 'no'))).toMatch(`Folder “${join(scratch, 'no')}” does not exist.`);
  });

  it('of another base model is told by every command, and nothing is written', async () => {
    const other = goldenPath('tiny-qwen2-lora', 'final_adapter');
    // A folder each: while one of them owns it, the other would be refused for that.
    const outs = [newPath(), newPath()] as const;
    const to = (out: string) => ['--model', model, '--out', out];
    const lines = await Promise.all([
      evaluate(other),
      fail(['generate', '--model', model, '--adapter', other, '--prompt', 'x', '--max-new-tokens', '3']),
      fail(['merge', ...to(outs[0]), '--adapter', other]),
      fail(['train', ...to(outs[1]), '--init-adapter', other, '--data', data]),
    ]);
    for (const line of lines) {
      expect(line).toMatch(
        /^The adapter’s "model\.layers\.0\.self_attn\.q_proj" is for a layer of shape 96 x 96 \(out x in\), but this model’s is \d+ x \d+\. Choose the adapter’s own base model \(tiny-qwen2\)\.$/,
      );
    }
    expect(outs.filter((out) => existsSync(out))).toEqual([]);
  });
});

/** Adds a token beyond the model's vocabulary. */
const larger: Edit = (bytes) => {
  const json = JSON.parse(bytes.toString()) as { model: { vocab: Record<string, number> } };
  json.model.vocab['<|x|>'] = 600;
  return JSON.stringify(json);
};

describe.concurrent('a tokenizer', () => {
  it.each<[string, Record<string, Edit>, string]>([
    [
      'that is not there',
      { 'tokenizer.json': null },
      'The model folder has no tokenizer (tokenizer.json or qwen.tiktoken)',
    ],
    ['that is cut off', { 'tokenizer.json': '{' }, 'The model’s tokenizer.json cannot be used: '],
    ['that is no tokenizer', { 'tokenizer.json': '{}' }, 'The model’s tokenizer.json cannot be used: '],
    [
      'with a config that is cut off',
      { 'tokenizer_config.json': '{' },
      'The model’s tokenizer_config.json cannot be used: ',
    ],
    [
      'with a template that is broken',
      { 'chat_template.jinja': '{% for x in %}' },
      'The model’s chat template cannot be used: ',
    ],
    [
      'with a template that never ends',
      { 'chat_template.jinja': '{% for i in range(100000000) %}x{% endfor %}' },
      'The model’s chat template cannot be used: range(0, 100000000, 1) is too long',
    ],
    [
      'with a template that refuses',
      { 'chat_template.jinja': "{{ raise_exception('Say please') }}" },
      'The model’s chat template rejected the conversation: Say please.',
    ],
    [
      'that does not fit the model',
      { 'tokenizer.json': larger },
      'The tokenizer does not match the model: it has token 600 (<|x|>), but the model has only 512 tokens. Use the tokenizer files',
    ],
  ])('%s is told', async (_, edits, text) => {
    const broken = copyFolder(tinyStories, newPath(), edits);
    expect(await fail(['generate', '--model', broken, '--prompt', 'Hi', '--max-new-tokens', '3'])).toMatch(
      text,
    );
  });

  it('that does not fit the model is told before training', async () => {
    const broken = copyFolder(tinyStories, newPath(), { 'tokenizer.json': larger });
    const out = newPath();
    expect(await fail(['train', '--model', broken, '--data', data, '--out', out])).toMatch(
      'The tokenizer does not match',
    );
    expect(existsSync(out)).toBe(false);
  });

  it('that makes a prompt longer than the model can read is told', async () => {
    const args = ['generate', '--model', model, '--prompt', 'word '.repeat(600), '--max-new-tokens', '3'];
    expect(await fail(args)).toMatch(
      /^The prompt has \d+ tokens, which exceeds the model’s context of 512\. Shorten the prompt\.$/,
    );
  });
});
