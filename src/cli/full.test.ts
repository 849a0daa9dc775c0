import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { fail, filesIn, readJsonLines, scratchFolder, succeed } from '../testing/cli.ts';
import { sharedPath } from '../testing/shared.ts';

const scratch = scratchFolder();
const model = sharedPath('models/stories260k');
const stories = sharedPath('data/robot-stories.jsonl');
const at = (name: string) => join(scratch, name);
const prompt = 'Tell a story about Zip and a red ball.';
const args = (name: string, recipe: string) => {
  return ['train', '--model', model, '--data', stories, '--out', at(name), '--recipe', at(recipe)];
};

describe('train with method full', () => {
  beforeAll(async () => {
    const recipe = { method: 'full', lr: 2e-3, max_steps: 12, batch_size: 2 };
    writeFileSync(at('recipe.json'), JSON.stringify(recipe));
    await succeed(args('tuned', 'recipe.json'));
  });

  it('writes a model folder with the record of its run, and the loss falls', async () => {
    const besides = ['README.md', 'metrics.jsonl', 'recipe.json', 'training.json'];
    expect(filesIn(at('tuned'))).toEqual([...filesIn(model), ...besides].sort());
    const losses = readJsonLines<{ loss: number }>(join(at('tuned'), 'metrics.jsonl')).map(
      ({ loss }) => loss,
    );
    expect(losses).toHaveLength(12);
    expect(losses.at(-1)).toBeLessThan(0.7 * losses[0]!);
    const card = readFileSync(join(at('tuned'), 'README.md'), 'utf8');
    expect(card).toContain('`stories260k` with every parameter trained.');
    expect(card).not.toContain('`rank`');
  });

  it('writes a model that answers otherwise than its base', async () => {
    const answer = (name: string) =>
      succeed(['generate', '--model', name, '--prompt', prompt, '--max-new-tokens', '12']);
    expect(await answer(at('tuned'))).not.toBe(await answer(model));
  });

  it('goes on from what it wrote, as from any model', async () => {
    writeFileSync(at('more.json'), JSON.stringify({ method: 'full', lr: 2e-3, max_steps: 1, batch_size: 2 }));
    await succeed([...args('more', 'more.json').map((arg) => (arg === model ? at('tuned') : arg))]);
    const first = (name: string) => readJsonLines<{ loss: number }>(join(at(name), 'metrics.jsonl'))[0]!.loss;
    expect(first('more')).toBeLessThan(0.8 * first('tuned'));
  });

  it('goes with no adapter', async () => {
    writeFileSync(at('lora.json'), JSON.stringify({ rank: 2, max_steps: 1, batch_size: 1 }));
    await succeed(args('adapter', 'lora.json'));
    const message = await fail([...args('nothing', 'recipe.json'), '--init-adapter', at('adapter')]);
    expect(message).toContain('--init-adapter does not go with method "full"');
  });
});
