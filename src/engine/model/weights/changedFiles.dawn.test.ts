import { readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { nodeFolder } from '../../../base/storage/nodeFolder.ts';
import { scratchFolder } from '../../../testing/cli.ts';
import { expectGraftError } from '../../../testing/errors.ts';
import { modelPath } from '../../../testing/fixtures.ts';
import { copyFolder } from '../../../testing/folders.ts';
import { testGpu } from '../../../testing/gpu.ts';
import { refuseLeaks } from '../../../testing/leaks.ts';
import { openModelFiles } from '../spec/openModel.ts';
import { asStored } from './weightStorage.ts';
import { StreamedWeights } from './streamedWeights.ts';

const scratch = scratchFolder();
refuseLeaks();

it('streamed weights that are rewritten on disk are not read again', async () => {
  const gpu = await testGpu();
  const path = copyFolder(modelPath('tiny-qwen2'), join(scratch, 'model'));
  const shards = readdirSync(path).filter((name) => name.endsWith('.safetensors'));
  const old = new Date(Date.now() - 10_000);
  for (const shard of shards) utimesSync(join(path, shard), old, old);
  const files = await openModelFiles(nodeFolder(path));
  const weights = new StreamedWeights(gpu, files, asStored, 1, true);
  try {
    await weights.block(0);
    weights.release(0);
    for (const shard of shards) {
      const bytes = readFileSync(join(path, shard));
      bytes[bytes.length - 1]! ^= 1;
      // In place: the same file, as long as before.
      writeFileSync(join(path, shard), bytes);
    }
    await expectGraftError(() => weights.block(1), 'storage.changed');
    await expectGraftError(() => weights.embedding(new Uint32Array([1])), 'storage.changed');
  } finally {
    weights.dispose();
    await files.checkpoint.release();
  }
  expect(shards.length).toBeGreaterThan(0);
});
