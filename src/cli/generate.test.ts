import { describe, expect, it } from 'vitest';
import { runCli, runCliByNpm, succeed } from '../testing/cli.ts';
import { sharedPath } from '../testing/shared.ts';

/** What the model says from its first token on (../shared/README.md), as far as 60 tokens go. */
const FROM_BOS =
  'Once upon a time, there was a little girl named Lily. She loved to play outside in the park. ' +
  'One day, she saw a big, red ball. She wanted to play with it, but it was too high';

const model = ['--model', sharedPath('models/stories260k')];
const generate = (...args: string[]) => succeed(['generate', ...model, ...args]);

describe('generate', () => {
  it('prints the text of the model from its first token, and nothing else', async () => {
    const args = ['generate', ...model, '--prompt', '', '--max-new-tokens', '60'];
    expect(await runCliByNpm(args)).toEqual({ status: 0, stdout: `${FROM_BOS}\n`, stderr: '' });
  });

  it('says the same again for a seed, something else for another, and in f16 what it says in f32', async () => {
    const sampled = (seed: string) =>
      generate('--prompt', '', '--max-new-tokens', '20', '--temperature', '1', '--seed', seed);
    const first = await sampled('7');
    expect(await sampled('7')).toBe(first);
    expect(await sampled('8')).not.toBe(first);
    expect(FROM_BOS.startsWith(first.trimEnd())).toBe(false);
    const halved = await generate('--prompt', '', '--max-new-tokens', '20', '--dtype', 'f16');
    expect(FROM_BOS.startsWith(halved.trimEnd())).toBe(true);
  });

  it('continues a text with --raw', async () => {
    const continued = await generate(
      '--raw',
      '--prompt',
      'Once upon a time, there was',
      '--max-new-tokens',
      '8',
    );
    expect(continued).toMatch(/^ a little girl named Lily/);
  });
});

describe('help', () => {
  it('shows the usage of every command, or of one', async () => {
    const { status, stdout } = await runCli(['help']);
    expect(status).toBe(0);
    expect(stdout.split('\n').map((line) => line.split(' ')[1])).toEqual([
      'data',
      'train',
      'eval',
      'generate',
      'merge',
      'plan',
      'profile',
      'tune',
      'lr-range',
      'quantize',
      'fetch',
      'push',
      'cache',
      undefined,
    ]);
    expect(await succeed(['merge', '--help'])).toMatch(/^graft merge --model DIR/);
  });
});
