import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { scratchFolder } from '../../../testing/cli.ts';
import { expectGraftError } from '../../../testing/errors.ts';
import { ollamaBlob } from './ollamaModels.ts';

const scratch = scratchFolder();
const models = join(scratch, 'models');
beforeAll(() => vi.stubEnv('OLLAMA_MODELS', models));
afterAll(() => vi.unstubAllEnvs());

const hex = 'ab'.repeat(32);
/** Stores a model whose manifest says that its weights are in a blob. */
function store(name: string, digest: unknown, mediaType = 'application/vnd.ollama.image.model'): void {
  const manifests = join(models, 'manifests', 'registry.ollama.ai', 'library', name);
  mkdirSync(manifests, { recursive: true });
  mkdirSync(join(models, 'blobs'), { recursive: true });
  writeFileSync(join(manifests, 'latest'), JSON.stringify({ layers: [{ mediaType, digest }] }));
  writeFileSync(join(models, 'blobs', `sha256-${hex}`), 'GGUF');
}

it('a model is the blob that its manifest names', async () => {
  store('tiny', `sha256:${hex}`);
  expect(await ollamaBlob('ollama:tiny')).toMatchObject({ name: 'tiny-latest.gguf', size: 4 });
});

it.each([
  '../../../../etc/passwd',
  'sha256:../../secret',
  `sha256:${hex}/../../secret`,
  `sha256-${hex}`,
  `sha256:${hex.toUpperCase()}`,
  `sha256:${hex}\n`,
  7,
  null,
])('a manifest that names %j has no model', async (digest) => {
  writeFileSync(join(scratch, 'secret'), 'secret');
  store('hostile', digest);
  await expectGraftError(() => ollamaBlob('ollama:hostile'), 'cli.ollama_no_gguf');
});

it('a layer of another kind is no model', async () => {
  store('template', `sha256:${hex}`, 'application/vnd.ollama.image.template');
  await expectGraftError(() => ollamaBlob('ollama:template'), 'cli.ollama_no_gguf');
});

it.each(['..', 'a/../b', '../../x', 'a/b/c/d', 'tiny:../latest', '', 'a\\b', '/etc'])(
  'the name “%s” leads nowhere else',
  async (name) => {
    const error: unknown = await ollamaBlob(`ollama:${name}`).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'cli.ollama_name' });
  },
);
