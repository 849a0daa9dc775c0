import { describe, expect, it } from 'vitest';
import { runCli, runCliByNpm, succeed } from '../../../testing/cli.ts';
import { starter } from '../../../testing/fixtures.ts';
import { readGolden } from '../../../testing/golden.ts';
import { needShared, sharedPath } from '../../../testing/shared.ts';

const { prompt, text } = readGolden('starter-lora').answer!;
const generate = (...args: string[]) => succeed(['generate', '--model', starter, ...args]);

describe('generate', () => {
  it('prints the answer that transformers gets from the model, and nothing else', async () => {
    const args = ['generate', '--model', starter, '--prompt', prompt, '--max-new-tokens', '60'];
    expect(await runCliByNpm(args)).toEqual({ status: 0, stdout: `${text}\n`, stderr: '' });
  });

  it('says the same again for a seed, something else for another, and in f16 what it says in f32', async () => {
    const begun = ['--raw', '--prompt', 'One', '--max-new-tokens', '20'];
    const sampled = (seed: string) => generate(...begun, '--temperature', '1.5', '--seed', seed);
    const first = await sampled('7');
    expect(await sampled('7')).toBe(first);
    expect(await sampled('8')).not.toBe(first);
    expect(await generate(...begun)).not.toBe(first);
    expect(await generate('--prompt', prompt, '--max-new-tokens', '60', '--dtype', 'f16')).toBe(`${text}\n`);
  });

  it('continues a text with --raw', async () => {
    const words = text.split(' ');
    const begun = `<|im_start|>user\n${prompt}<|im_end|>\n<|im_start|>assistant\n${words.slice(0, 3).join(' ')}`;
    const continued = await generate('--raw', '--prompt', begun, '--max-new-tokens', '60');
    expect(continued).toBe(` ${words.slice(3).join(' ')}\n`);
  });

  it('begins at BOS where there is no prompt', async (context) => {
    needShared(context, 'models/stories260k');
    const stories = ['--model', sharedPath('models/stories260k'), '--prompt', '', '--max-new-tokens', '60'];
    expect(await succeed(['generate', ...stories])).toBe(
      'Once upon a time, there was a little girl named Lily. She loved to play outside in the park. ' +
        'One day, she saw a big, red ball. She wanted to play with it, but it was too high\n',
    );
  });
});

describe('help', () => {
  it('shows the usage of every command, or of one', async () => {
    const { status, stdout } = await runCli(['help']);
    expect(status).toBe(0);
    const listed = [...stdout.matchAll(/^ {2}(\S+)/gm)].map(([, name]) => name);
    expect(listed).toEqual(
      'data train sweep eval evaluate generate merge mix export job plan profile tune lr-range quantize fetch push cache'.split(
        ' ',
      ),
    );
    expect(await succeed(['merge', '--help'])).toMatch(/^graft merge --model DIR/);
  });
});
