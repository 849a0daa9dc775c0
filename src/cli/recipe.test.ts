import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { scratchFolder } from '../testing/cli.ts';
import { readRecipe } from './recipe.ts';

it('reads a recipe of JSON, or the flags of a shell script, and tells what it leaves', async () => {
  const scratch = scratchFolder();
  const file = (name: string, text: string) => {
    writeFileSync(join(scratch, name), text);
    return join(scratch, name);
  };
  expect((await readRecipe(file('recipe.json', '{"rank": 3}'))).rank).toBe(3);
  const told = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const script = file(
    'finetune.sh',
    'python finetune.py --use_lora --lora_r 7 \\\n --bf16 True --colour green\n',
  );
  expect(await readRecipe(script)).toMatchObject({ method: 'lora', rank: 7, lr: 5e-5 });
  expect(told.mock.calls).toEqual([['Not taken from finetune.sh: --colour green (unknown).']]);
  told.mockRestore();
  await expect(readRecipe(file('empty.sh', 'echo hello\n'))).rejects.toMatchObject({
    code: 'train.no_flags',
  });
});
