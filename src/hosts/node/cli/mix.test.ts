import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { fail, filesIn, scratchFolder, succeed } from '../../../testing/cli.ts';
import { goldenPath, starter } from '../../../testing/fixtures.ts';

const scratch = scratchFolder();
const adapter = goldenPath('starter-lora', 'final_adapter');
const data = join(scratch, 'rows.jsonl');
writeFileSync(data, '{"prompt": "Who is Zip?", "completion": "Zip is a robot."}\n');

const lossOf = async (path: string) => {
  const output = await succeed(['eval', '--model', starter, '--adapter', path, '--data', data]);
  return (JSON.parse(output) as { loss: number }).loss;
};

it('two halves of an adapter, mixed, are the adapter', async () => {
  const out = join(scratch, 'mixed');
  const mix = ['mix', '--adapters', `${adapter},${adapter}`, '--weights', '1.5,-0.5', '--out', out];
  expect(JSON.parse(await succeed([...mix, '--rule', 'cat']))).toMatchObject({ rule: 'cat', rank: 8 });
  expect(filesIn(out).sort()).toEqual(['adapter_config.json', 'adapter_model.safetensors']);
  expect(JSON.parse(readFileSync(join(out, 'adapter_config.json'), 'utf8'))).toMatchObject({
    r: 8,
    lora_alpha: 8,
  });
  expect(await lossOf(out)).toBeCloseTo(await lossOf(adapter), 4);
  expect(await fail([...mix, '--rule', 'cat'])).toContain('mixed');
});

it.each([
  [['--weights', '1'], '--weights must be 2 numbers'],
  [['--weights', '1,x'], '--weights must be 2 numbers'],
  [['--density', '0', '--rule', 'ties'], '--density must be above 0'],
  [['--rank', '2', '--rule', 'cat'], '--rank requires a rule that ends in svd'],
  [['--rank', '0.5'], '--rank must be a whole number above 0'],
  [['--rule', 'average'], 'svd or cat or linear'],
])('refuses %j', async (changes, message) => {
  const mix = ['mix', '--adapters', `${adapter},${adapter}`, '--out', join(scratch, 'refused')];
  expect(await fail([...mix, ...changes])).toContain(message);
});
