import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { nodeFolder } from '../../base/storage/nodeFolder.ts';
import { scratchFolder } from '../../testing/cli.ts';
import { expectGraftError } from '../../testing/errors.ts';
import { starter } from '../../testing/fixtures.ts';
import { copyFolder } from '../../testing/folders.ts';
import { sidecarFiles } from './sidecars.ts';

const scratch = scratchFolder();

it('a merge copies no file that is a link out of its folder, and nothing that is no file of a model', async () => {
  writeFileSync(join(scratch, 'secret.txt'), 'do not publish');
  const path = copyFolder(starter, join(scratch, 'model'), { 'notes.txt': 'mine', '.env': 'TOKEN=x' });
  const folder = nodeFolder(path);
  expect(await sidecarFiles(folder)).toEqual(
    (await nodeFolder(starter).list()).filter((name) => !name.endsWith('.safetensors')),
  );
  symlinkSync(join(scratch, 'secret.txt'), join(path, 'LICENSE'));
  await expectGraftError(() => sidecarFiles(folder), 'merge.link_outside', { file: 'LICENSE' });
});
