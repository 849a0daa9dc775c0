import { describe, expect, it } from 'vitest';
import type { RunHeader } from '../../../content/runs/header.ts';
import { expectGraftError } from '../../../testing/errors.ts';
import { memoryFolder } from '../../../testing/sources.ts';
import { earlierOutput } from './runOutput.ts';

/** A run that was killed as it wrote its result. */
const killed = { extra: { output: { step: 3, files: null } } } as unknown as RunHeader;
const found = (...names: string[]) =>
  earlierOutput(
    memoryFolder(Object.fromEntries(names.map((name) => [name, 'x']))),
    'out',
    killed,
    async () => ['tokenizer.json'],
  );

describe('what a run that was killed has left in its folder', () => {
  it.each([
    ['adapter_config.json', 'adapter_model.safetensors', 'README.md'],
    ['adapter_model.int8.safetensors'],
    ['model.safetensors', 'tokenizer.json'],
    ['model-00001-of-00002.safetensors', 'model.safetensors.index.json'],
  ])('are files by the names it writes: %s', async (...names) => {
    expect(await found(...names)).toEqual({ files: names.sort(), step: 3, isWhole: false });
  });

  it.each(['other.safetensors', 'model-old.safetensors', 'notes.txt', 'pytorch_model.safetensors'])(
    'is not %s, which nothing replaces',
    async (file) => {
      await expectGraftError(() => found('adapter_model.safetensors', file), 'cli.output_changed', { file });
    },
  );
});
