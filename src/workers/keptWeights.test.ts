import { afterAll, beforeAll, expect, it } from 'vitest';
import { ModelCache } from '../hub/modelCache.ts';
import { DerivedWeights } from '../model/derived/derivedWeights.ts';
import { MemoryDirectory } from '../storage/memoryDirectory.ts';
import { servedFolder, TestClock } from '../testing/hub.ts';
import { HubServer } from '../testing/hubServer.ts';
import { sharedPath } from '../testing/shared.ts';
import { createHubDesk } from './hubDesk.ts';

const repo = 'karpathy/stories260k';
let server: HubServer;
beforeAll(async () => {
  server = await HubServer.start();
  server.models.set(repo, servedFolder(sharedPath('models/stories260k')));
});
afterAll(() => server.stop());

/** 4-bit weights of a base as their folder looks; what is in them is not looked at here. */
async function keep(root: MemoryDirectory, key: string, base: string, bytes: number): Promise<void> {
  const folder = await root.directory(key);
  const manifest = { base, doubleQuant: false, file: 'weights.safetensors', complete: true };
  const files = { 'weights.json': JSON.stringify(manifest), used: '17' };
  for (const [name, text] of Object.entries(files)) folder.files.set(name, new TextEncoder().encode(text));
  folder.files.set('weights.safetensors', new Uint8Array(bytes));
}

it('the hub desk tells what was made of models in 4 bits, and removes it alone or with its model', async () => {
  const root = new MemoryDirectory('quantized');
  await keep(root, 'a', repo, 2000);
  await keep(root, 'b', repo, 1000);
  await keep(root, 'c', 'my-model', 3000);
  const locks = { hold: <T>(_name: string, work: () => Promise<T>) => work() };
  const cache = new ModelCache(new MemoryDirectory('hub'), locks);
  const kept = new DerivedWeights(root);
  const desk = createHubDesk(
    async () => cache,
    { clock: new TestClock() },
    async () => kept,
  );
  await desk.configure({ endpoint: server.endpoint, tokenForEndpoint: false });
  const facts = await desk.lookUp(repo);
  await desk.download(
    facts,
    () => undefined,
    () => undefined,
  );
  const keys = async () => (await desk.storage()).quantized.map(({ key }) => key);
  expect((await desk.storage()).quantized[0]).toMatchObject({ key: 'c', base: 'my-model', lastUsed: 17 });
  expect(await keys()).toEqual(['c', 'a', 'b']);
  await desk.removeQuantized('a');
  expect(await keys()).toEqual(['c', 'b']);
  await desk.remove(facts.host, repo, null);
  expect(await keys()).toEqual(['c']);
});
