import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { filesIn, readJsonLines, scratchFolder, succeed } from '../../../testing/cli.ts';
import { qwenConfig, tinyModel } from '../../../testing/tinyModel.ts';
import { fixture } from '../../../testing/tokenizers.ts';

const scratch = scratchFolder();
const model = join(scratch, 'model');

/** A first Qwen as its folders are: no tokenizer.json, no template. */
const folder = tinyModel({
  config: { ...qwenConfig, vocab_size: 768 },
  dtype: 'BF16',
  files: {
    'qwen.tiktoken': fixture('qwen-v1-like.tiktoken'),
    'tokenizer_config.json': '{"tokenizer_class": "QWenTokenizer", "model_max_length": 8192}',
    'generation_config.json': '{"chat_format": "chatml", "eos_token_id": 556, "pad_token_id": 556}',
  },
});
mkdirSync(model);
for (const [file, bytes] of folder.files) writeFileSync(join(model, file), bytes);

const rows = join(scratch, 'rows.json');
const turns = [
  { from: 'user', value: 'Hello' },
  { from: 'assistant', value: 'Hello, 你好' },
];
writeFileSync(
  rows,
  JSON.stringify(Array.from({ length: 4 }, (_, i) => ({ id: `${i}`, conversations: turns }))),
);

describe('the first Qwen', () => {
  it('trains by its own scripts’ recipe, QLoRA and modules_to_save with it, merges and answers', async () => {
    const recipe = join(scratch, 'recipe.json');
    const asked = {
      method: 'qlora',
      rank: 4,
      alpha: 16,
      dropout: 0.05,
      lr: 1e-2,
      warmup_steps: 0,
      targets: ['c_attn', 'c_proj', 'w1', 'w2'],
      modules_to_save: ['wte', 'lm_head'],
      mask: 'chatml',
      batch_size: 2,
      max_steps: 12,
    };
    writeFileSync(recipe, JSON.stringify(asked));
    const adapter = join(scratch, 'adapter');
    await succeed(['train', '--model', model, '--data', rows, '--out', adapter, '--recipe', recipe]);
    const losses = readJsonLines<{ loss: number }>(join(adapter, 'metrics.jsonl')).map(({ loss }) => loss);
    expect(losses).toHaveLength(12);
    expect(losses.at(-1)!).toBeLessThan(0.7 * losses[0]!);

    const merged = join(scratch, 'merged');
    const text = await succeed(['merge', '--model', model, '--adapter', adapter, '--out', merged]);
    const { proof } = JSON.parse(text) as { proof: { changedTensors: number; tensors: number } };
    // Five linear layers of two blocks, embedding and head.
    expect(proof.changedTensors).toBe(12);
    expect(filesIn(merged)).toContain('qwen.tiktoken');

    const options = ['--mask', 'chatml', '--data', rows];
    const lossOf = async (...args: string[]) =>
      (JSON.parse(await succeed(['eval', ...args, ...options])) as { loss: number }).loss;
    const asTrained = await lossOf('--model', model, '--adapter', adapter, '--quant', 'nf4');
    const onOriginal = await lossOf('--model', model, '--adapter', adapter);
    expect(asTrained).toBeLessThan(losses[0]!);
    expect(Math.abs((await lossOf('--model', merged)) / onOriginal - 1)).toBeLessThan(2e-2);
    const answer = ['generate', '--model', merged, '--prompt', 'Hello', '--max-new-tokens', '4'];
    expect(typeof (await succeed(answer))).toBe('string');
  });
});
