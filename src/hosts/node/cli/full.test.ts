import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  changesIn,
  fail,
  filesIn,
  killAtChange,
  readJsonLines,
  runCli,
  scratchFolder,
  succeed,
} from '../../../testing/cli.ts';
import { robotStories, starter } from '../../../testing/fixtures.ts';

const scratch = scratchFolder();
const at = (name: string) => join(scratch, name);
const prompt = 'Tell a story about Zip and a red ball.';
const args = (name: string, recipe: string) => {
  return ['train', '--model', starter, '--data', robotStories, '--out', at(name), '--recipe', at(recipe)];
};

describe('train with method full', () => {
  beforeAll(async () => {
    const recipe = { method: 'full', lr: 2e-3, max_steps: 12, batch_size: 2, eval_fraction: 0 };
    writeFileSync(at('recipe.json'), JSON.stringify(recipe));
    await succeed(args('tuned', 'recipe.json'));
  });

  it('writes a model folder with the record of its run, and the loss falls', async () => {
    const besides = ['README.md', 'metrics.jsonl', 'recipe.json', 'training.json'];
    // The starter has a README.md too.
    const wanted = new Set([...filesIn(starter), ...besides]);
    expect(filesIn(at('tuned'))).toEqual([...wanted].sort());
    const losses = readJsonLines<{ loss: number }>(join(at('tuned'), 'metrics.jsonl')).map(
      ({ loss }) => loss,
    );
    expect(losses).toHaveLength(12);
    expect(losses.at(-1)).toBeLessThan(0.7 * losses[0]!);
    const card = readFileSync(join(at('tuned'), 'README.md'), 'utf8');
    expect(card).toContain('`starter` with all parameters fine-tuned.');
    expect(card).not.toContain('`rank`');
  });

  it('writes a model that answers otherwise than its base', async () => {
    const answer = (name: string) =>
      succeed(['generate', '--model', name, '--prompt', prompt, '--max-new-tokens', '12']);
    expect(await answer(at('tuned'))).not.toBe(await answer(starter));
  });

  it('goes on from what it wrote, as from any model', async () => {
    writeFileSync(
      at('more.json'),
      JSON.stringify({ method: 'full', lr: 2e-3, max_steps: 1, batch_size: 2, eval_fraction: 0 }),
    );
    await succeed([...args('more', 'more.json').map((arg) => (arg === starter ? at('tuned') : arg))]);
    const first = (name: string) => readJsonLines<{ loss: number }>(join(at(name), 'metrics.jsonl'))[0]!.loss;
    expect(first('more')).toBeLessThan(0.8 * first('tuned'));
  });

  it('is resumed where it was killed while its model was written, and says that a whole model is done', async () => {
    writeFileSync(
      at('short.json'),
      JSON.stringify({ method: 'full', lr: 2e-3, max_steps: 2, batch_size: 1, eval_fraction: 0 }),
    );
    const changes = await changesIn(args('undisturbed', 'short.json'), at('undisturbed'));
    const weights = (name: string) => readFileSync(join(at(name), 'model.safetensors'));
    const firstOf = (what: string): number => changes.findIndex((change) => change.startsWith(what)) + 1;
    const phases: [string, number, RegExp][] = [
      [
        'begun',
        firstOf(`write ${join(at('undisturbed'), 'model.safetensors')}`),
        /were read back and proved/,
      ],
      ['ended', firstOf(`rename to ${join(at('undisturbed'), 'config.json')}`), /^Already finished: /m],
      ['recorded', firstOf(`rename to ${join(at('undisturbed'), 'metrics.jsonl')}`), /^Already finished: /m],
    ];
    for (const [phase, number, said] of phases) {
      const name = `killed-${phase}`;
      const killed = [...args(name, 'short.json'), '--checkpoints', at(`checkpoints-${phase}`)];
      expect((await killAtChange(killed, at(name), number)).status, phase).toBe(null);
      const { status, stderr } = await runCli([...killed, '--resume']);
      expect({ status, stderr }, phase).toMatchObject({ status: 0 });
      expect(stderr, phase).toMatch(said);
      expect(filesIn(at(name)), phase).toEqual(filesIn(at('undisturbed')));
      expect(weights(name).equals(weights('undisturbed')), phase).toBe(true);
    }
  });

  it('goes with no adapter', async () => {
    writeFileSync(
      at('lora.json'),
      JSON.stringify({ rank: 2, max_steps: 1, batch_size: 1, eval_fraction: 0 }),
    );
    await succeed(args('adapter', 'lora.json'));
    const message = await fail([...args('nothing', 'recipe.json'), '--init-adapter', at('adapter')]);
    expect(message).toContain('--init-adapter does not go with method "full"');
  });
});
