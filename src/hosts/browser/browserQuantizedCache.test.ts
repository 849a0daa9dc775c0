import { afterAll, beforeAll, expect, it } from 'vitest';
import { ModelCache } from '../../content/hub/modelCache.ts';
import { QuantizedCache } from '../../engine/model/weights/quantizedCache/quantizedCache.ts';
import { MemoryDirectory } from '../../base/storage/memoryDirectory.ts';
import { servedFolder, TestClock } from '../../testing/hub.ts';
import { HubServer } from '../../testing/hubServer.ts';
import { scratchFolder } from '../../testing/cli.ts';
import { writeTinyStories } from '../../testing/tinyStories.ts';
import { createHubService } from './hubService.ts';
import { freeLocks } from '../../testing/freeLocks.ts';

const repo = 'test/tiny-stories';
const model = writeTinyStories(scratchFolder());
let server: HubServer;
beforeAll(async () => {
  server = await HubServer.start();
  server.models.set(repo, servedFolder(model));
});
afterAll(() => server.stop());

/** Writes a cache folder of 4-bit weights of a base; nothing here reads the weights. */
async function write(root: MemoryDirectory, key: string, base: string, bytes: number): Promise<void> {
  const folder = await root.directory(key);
  const manifest = { base, doubleQuant: false, file: 'weights.safetensors', complete: true };
  const files = { 'weights.json': JSON.stringify(manifest), used: '17' };
  for (const [name, text] of Object.entries(files)) folder.files.set(name, new TextEncoder().encode(text));
  folder.files.set('weights.safetensors', new Uint8Array(bytes));
}

it('the hub service lists cached 4-bit weights, and removes them alone or with their model', async () => {
  const root = new MemoryDirectory('quantized');
  await write(root, 'a', repo, 2000);
  await write(root, 'b', repo, 1000);
  await write(root, 'c', 'my-model', 3000);
  const cache = new ModelCache(new MemoryDirectory('hub'), freeLocks);
  const quantized = new QuantizedCache(root);
  const service = createHubService(
    async () => cache,
    { clock: new TestClock() },
    async () => quantized,
  );
  await service.configure({ endpoint: server.endpoint, tokenForEndpoint: false });
  const facts = await service.lookUp(repo);
  await service.download(
    facts,
    () => undefined,
    () => undefined,
  );
  const keys = async () => (await service.storage()).quantized.map(({ key }) => key);
  expect((await service.storage()).quantized[0]).toMatchObject({ key: 'c', base: 'my-model', lastUsed: 17 });
  expect(await keys()).toEqual(['c', 'a', 'b']);
  await service.removeQuantized('a');
  expect(await keys()).toEqual(['c', 'b']);
  await service.remove(facts.host, repo, null);
  expect(await keys()).toEqual(['c']);
});
