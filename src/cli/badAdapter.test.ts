import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fail, runCli, scratchFolder } from '../testing/cli.ts';
import { copyShared, withFields, withHeader, type Edit } from '../testing/folders.ts';
import { sharedPath } from '../testing/shared.ts';

const scratch = scratchFolder();
const model = sharedPath('models/stories260k');
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
      { [config]: withFields({ r: 4 }) },
      /tensor “base_model\..*lora_A\.weight” has shape \[8, 172\]; expected \[4, inputs\], as the rank in adapter_config\.json says/,
    ],
    [
      'without a rank',
      { [config]: withFields({ r: undefined }) },
      'In “adapter_config.json”, “r” is missing; expected a whole number above 0.',
    ],
    [
      'of DoRA',
      { [config]: withFields({ use_dora: true }) },
      'uses DoRA, which Graft cannot apply (use_dora is true). Merge the adapter with PEFT',
    ],
    [
      'with magnitudes of DoRA',
      {
        [weights]: withHeader((json) => json.replace('q_proj.lora_A.weight', 'q_proj.lora_magnitude_vector')),
      },
      'q_proj.lora_magnitude_vector” of “adapter_model.safetensors” is not part of a plain LoRA adapter (it is the magnitude of DoRA).',
    ],
    [
      'of another method',
      { [config]: withFields({ peft_type: 'IA3' }) },
      'uses the method "IA3", which Graft cannot apply',
    ],
    [
      'that names a trained head without its weights',
      { [config]: withFields({ modules_to_save: ['lm_head'] }) },
      'names “lm_head” in modules_to_save, but “adapter_model.safetensors” does not hold its weights.',
    ],
    [
      'with half a module',
      { [weights]: withHeader((json) => json.replace('q_proj.lora_A', 'q_projx.lora_A')) },
      'has lora_A but no lora_B.',
    ],
    ['with a config cut off', { [config]: '{' }, 'File “adapter_config.json” is not valid JSON'],
    ['with weights cut off', { [weights]: (bytes) => bytes.subarray(0, 9000) }, 'The file is cut off'],
    ['without weights', { [weights]: null }, 'is not a PEFT adapter: it has no adapter_model.safetensors.'],
    [
      'of Git LFS pointers',
      { [weights]: 'version https://git-lfs.github.com/spec/v1\n' },
      'File “adapter_model.safetensors” is a Git LFS pointer',
    ],
    [
      'stored as a pickle',
      { [weights]: null, 'adapter_model.bin': 'x' },
      'holds its adapter as adapter_model.bin, a pickle',
    ],
  ])('%s is told', async (_, edits, text) => {
    expect(await evaluate(copyShared('golden/stories260k-lora/final_adapter', newPath(), edits))).toMatch(
      text,
    );
  });

  it('with weights of some modules alone is used, with a warning', async () => {
    const fewer = copyShared('golden/stories260k-lora/final_adapter', newPath(), {
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
      'has no weights for 1 of the 36 modules that its adapter_config.json targets: lm_head.',
    );
  });

  it('that is a model, or nothing, is told', async () => {
    expect(await evaluate(model)).toMatch(
      'stories260k is not a PEFT adapter: it has no adapter_config.json.',
    );
    expect(await evaluate(join(scratch, 'no'))).toMatch(`There is no folder “${join(scratch, 'no')}”.`);
  });

  it('of another base model is told by every command, and nothing is written', async () => {
    const other = sharedPath('golden/tiny-qwen2-lora/final_adapter');
    const out = newPath();
    const to = ['--model', model, '--out', out];
    const lines = await Promise.all([
      evaluate(other),
      fail(['generate', '--model', model, '--adapter', other, '--prompt', 'x', '--max-new-tokens', '3']),
      fail(['merge', ...to, '--adapter', other]),
      fail(['train', ...to, '--init-adapter', other, '--data', data]),
    ]);
    for (const line of lines) {
      expect(line).toBe(
        'The adapter’s "model.layers.0.self_attn.q_proj" fits a layer of 96 x 96 (out x in), ' +
          'but this model’s is 64 x 64. Choose the adapter’s own base model (tiny-qwen2).',
      );
    }
    expect(existsSync(out)).toBe(false);
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
      'This model folder has no tokenizer (tokenizer.json or qwen.tiktoken)',
    ],
    ['that is cut off', { 'tokenizer.json': '{' }, 'tokenizer.json of the model cannot be used: '],
    ['that is no tokenizer', { 'tokenizer.json': '{}' }, 'tokenizer.json of the model cannot be used: '],
    [
      'with a config that is cut off',
      { 'tokenizer_config.json': '{' },
      'tokenizer_config.json of the model cannot be used: ',
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
      'The model’s chat template refused the conversation: Say please.',
    ],
    [
      'that does not fit the model',
      { 'tokenizer.json': larger },
      'The tokenizer does not fit the model: it knows token 600 (<|x|>), the model has 512 tokens. Use the tokenizer files',
    ],
  ])('%s is told', async (_, edits, text) => {
    const broken = copyShared('models/stories260k', newPath(), edits);
    expect(await fail(['generate', '--model', broken, '--prompt', 'Hi', '--max-new-tokens', '3'])).toMatch(
      text,
    );
  });

  it('that does not fit the model is told before training', async () => {
    const broken = copyShared('models/stories260k', newPath(), { 'tokenizer.json': larger });
    const out = newPath();
    expect(await fail(['train', '--model', broken, '--data', data, '--out', out])).toMatch(
      'The tokenizer does not fit',
    );
    expect(existsSync(out)).toBe(false);
  });

  it('that makes a prompt longer than the model can read is told', async () => {
    const args = ['generate', '--model', model, '--prompt', 'word '.repeat(600), '--max-new-tokens', '3'];
    expect(await fail(args)).toMatch(
      /^The prompt has \d+ tokens, and the model’s context ends at 512\. Shorten the prompt\.$/,
    );
  });
});
