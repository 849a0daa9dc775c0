import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parseRunRecord } from '../../../base/config/runRecord.ts';
import { fail, scratchFolder, succeed } from '../../../testing/cli.ts';
import { robotStories } from '../../../testing/fixtures.ts';
import { writeTinyStories } from '../../../testing/tinyStories.ts';

const scratch = scratchFolder();
const cache = join(scratch, 'cache');
const found = join(cache, 'tuning', 'tuning.json');
const recipe = join(scratch, 'recipe.json');
writeFileSync(
  recipe,
  JSON.stringify({ rank: 4, targets: ['q_proj'], max_steps: 2, batch_size: 1, max_length: 32 }),
);
const input = ['--model', writeTinyStories(scratch), '--recipe', recipe];
const data = ['--data', robotStories];

const graft = (args: string[], cachePath = cache) => succeed(args, { GRAFT_CACHE: cachePath });

async function train(name: string, options: string[] = [], cachePath = cache) {
  const out = join(scratch, name);
  await graft(['train', ...input, ...data, '--out', out, ...options], cachePath);
  const adapter = readFileSync(join(out, 'adapter_model.safetensors'));
  const record = parseRunRecord(JSON.parse(readFileSync(join(out, 'training.json'), 'utf8')));
  expect(['gpu', 'vectors', 'software']).toContain(record!.kernelKind);
  return { adapter, kernels: record!.kernels!, activations: record!.activations };
}

it('keeps what it measured for the next runs, whose records name the kernels, for the same bits', async () => {
  const lines = (await graft(['tune', ...input, ...data])).trim().split('\n');
  const kept = JSON.parse(readFileSync(found, 'utf8')) as Record<string, Record<string, string | null>>;
  const [[adapter, products]] = Object.entries(kept) as [[string, Record<string, string | null>]];
  expect(Object.keys(products)).toHaveLength(lines.length);
  expect(lines[0]).toMatch(/^1\/\d+ {2}(NT|NN|TN) \d+ × \d+ × \d+ f32 {2}(tile|split|subgroup) /);

  // As if one kernel had been best for everything: what is best here depends on the moment. It sums in an order of its own.
  for (const key in products) products[key] = 'split 16x16';
  writeFileSync(found, JSON.stringify({ [adapter]: products }));
  const tuned = await train('tuned');
  expect(tuned.kernels).toEqual(products);

  const elsewhere = join(scratch, 'elsewhere');
  const usual = await train('usual', [], elsewhere);
  expect(usual.kernels).toEqual({});
  const forced = await train('forced', ['--kernels', join(scratch, 'tuned', 'training.json')], elsewhere);
  expect(forced.kernels).toEqual(tuned.kernels);
  expect(forced.adapter.equals(tuned.adapter)).toBe(true);
  expect(forced.adapter.equals(usual.adapter)).toBe(false);

  // "auto" is f32 on a software adapter, unless the earlier run had f16.
  expect(usual.activations).toBe('f32');
  const earlier = join(scratch, 'usual', 'training.json');
  const record = JSON.parse(readFileSync(earlier, 'utf8')) as object;
  writeFileSync(earlier, JSON.stringify({ ...record, activations: 'f16' }));
  const halved = await train('halved', ['--kernels', earlier], elsewhere);
  expect(halved.activations).toBe('f16');
  expect(halved.adapter.equals(usual.adapter)).toBe(false);
});

it('says what is wrong with a record', async () => {
  const out = join(scratch, 'none');
  const message = await fail(['train', ...input, ...data, '--out', out, '--kernels', recipe]);
  expect(message).toContain('is no record of a run');
});
