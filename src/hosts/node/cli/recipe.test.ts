import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { scratchFolder } from '../../../testing/cli.ts';
import { readRecipe, withWarmup } from './recipe.ts';

it('reads a recipe of JSON, or the flags of a shell script, and tells what it leaves', async () => {
  const scratch = scratchFolder();
  const file = (name: string, text: string) => {
    writeFileSync(join(scratch, name), text);
    return join(scratch, name);
  };
  expect((await readRecipe(file('recipe.json', '{"rank": 3}'))).recipe.rank).toBe(3);
  const log = vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
  const script = file(
    'finetune.sh',
    'python finetune.py --use_lora --lora_r 7 \\\n --bf16 True --colour green\n',
  );
  expect((await readRecipe(script)).recipe).toMatchObject({ method: 'lora', rank: 7, lr: 5e-5 });
  const lines = log.mock.calls.map(([text]) => text);
  log.mockRestore();
  expect(lines.join('')).toBe('Ignored in finetune.sh: --colour green (unknown flag).\n');
  await expect(readRecipe(file('empty.sh', 'echo hello\n'))).rejects.toMatchObject({
    code: 'train.no_flags',
  });
});

it('refuses values that it would have to train without, and takes a warm-up by the steps', async () => {
  const scratch = scratchFolder();
  const read = (flags: string) => {
    writeFileSync(join(scratch, 'own.sh'), `LR=1e-4; RANK=16\npython finetune.py --use_lora ${flags}\n`);
    return readRecipe(join(scratch, 'own.sh'));
  };
  const given = await read('--learning_rate $LR --lora_alpha $((RANK*2)) --warmup_ratio 0.03');
  expect(given).toMatchObject({ recipe: { lr: 1e-4, alpha: 32, warmup_steps: 0 }, warmupRatio: 0.03 });
  expect(withWarmup(given, 101).warmup_steps).toBe(4);
  expect(withWarmup({ ...given, warmupRatio: null }, 101)).toBe(given.recipe);
  for (const [flag, value] of [
    ['--learning_rate', '$RATE'],
    ['--learning_rate', 'fast'],
    ['--optim', 'adafactor'],
    ['--lr_scheduler_type', 'sawtooth'],
    ['--lora_bias', 'all'],
    ['--warmup_ratio', '3'],
  ]) {
    const message = new RegExp(`${flag} in “own.sh” is .*, but must be [^{]+\\.`);
    const refused = read(`${flag} ${value}`);
    await expect(refused).rejects.toMatchObject({ code: 'train.flag_invalid', params: { flag, value } });
    await expect(refused).rejects.toThrow(message);
  }
});
