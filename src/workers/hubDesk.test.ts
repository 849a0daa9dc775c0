import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ModelCache } from '../hub/modelCache.ts';
import { openModelHeaders } from '../model/openModel.ts';
import { MemoryDirectory } from '../storage/memoryDirectory.ts';
import { expectGraftError, caught } from '../testing/errors.ts';
import { servedFolder, TestClock } from '../testing/hub.ts';
import { HubServer } from '../testing/hubServer.ts';
import { sharedPath } from '../testing/shared.ts';
import { createHubDesk } from './hubDesk.ts';
import { createHubLink } from './hubLink.ts';
import type { DownloadProgress } from './hubProtocol.ts';

const repo = 'karpathy/stories260k';
const path = sharedPath('models/stories260k');
const weights = readFileSync(`${path}/model.safetensors`);
const ignore = () => undefined;
let server: HubServer;
let other: HubServer;

beforeAll(async () => {
  [server, other] = await Promise.all([HubServer.start(), HubServer.start()]);
});
afterAll(() => Promise.all([server.stop(), other.stop()]));
beforeEach(() => {
  for (const hub of [server, other]) {
    hub.models.clear();
    hub.models.set(repo, servedFolder(path));
    hub.script = () => undefined;
    hub.seen.length = 0;
  }
});

/** A desk that asks the test Hub, with a cache in memory. */
async function openDesk({ tokenForEndpoint = false } = {}) {
  const locks = { hold: <T>(_name: string, work: () => Promise<T>) => work() };
  const cache = new ModelCache(new MemoryDirectory('hub'), locks);
  const desk = createHubDesk(async () => cache, { clock: new TestClock() });
  await desk.configure({ endpoint: server.endpoint, tokenForEndpoint });
  return { desk, cache };
}

/** The desk and another worker's link to it. */
async function openLinked() {
  const { desk } = await openDesk();
  const link = createHubLink();
  const { port1, port2 } = new MessageChannel();
  await desk.serve(port1);
  link.connect(port2);
  return { desk, link, close: () => port2.close() };
}

describe('hub desk', { timeout: 30_000 }, () => {
  it('tells licence, size and commit of a model without reading its weights', async () => {
    const { desk } = await openDesk();
    const facts = await desk.lookUp(`${repo}@main`);
    expect(facts).toMatchObject({
      ...{ repo, revision: 'main', license: 'mit', gated: false, complete: false, bytesHere: 0 },
      commit: server.commit(repo),
      host: new URL(server.endpoint).host,
      page: `${server.endpoint}/${repo}`,
    });
    const sizes = Object.values(server.models.get(repo)!.files).map((file) => file.length);
    expect(facts.bytes).toBeLessThanOrEqual(sizes.reduce((a, b) => a + b));
    expect(facts.bytes).toBeGreaterThan(weights.length);
    expect(server.seen.filter(({ place }) => place === 'files')).toEqual([]);
  });

  it('searches models by name', async () => {
    const { desk } = await openDesk();
    server.models.set('other/robot', { files: {}, gated: true });
    expect(await desk.search('stories')).toEqual([
      { repo, downloads: 7, likes: 1, license: 'mit', gated: false, parameters: null },
    ]);
    expect(await desk.search('robot')).toMatchObject([{ repo: 'other/robot', gated: true, license: null }]);
  });

  it('gives another worker headers by range, and small files once for all who read them', async () => {
    const { desk, link, close } = await openLinked();
    const facts = await desk.lookUp(repo);
    const folder = link.folder(facts);
    const { spec } = await openModelHeaders(folder);
    expect(spec.layers).toBe(5);
    const config = await folder.open('config.json');
    const text = new TextDecoder().decode(await config.read(0, config.size));
    expect(JSON.parse(text)).toMatchObject({ num_hidden_layers: 5 });
    const asked = (name: string) => server.seen.filter((seen) => seen.path.endsWith(name));
    expect(asked('/config.json')).toHaveLength(1);
    expect(asked('model.safetensors').every(({ range }) => range === 'bytes=0-65535')).toBe(true);
    const tail = await (await folder.open('model.safetensors')).read(weights.length - 100, 100);
    expect(Buffer.from(tail).equals(weights.subarray(-100))).toBe(true);
    await expectGraftError(() => folder.open('other.bin'), 'storage.not_found', { file: 'other.bin' });
    close();
  });

  it('frees those who wait for a hub worker that was started afresh', async () => {
    const { desk, link, close } = await openLinked();
    const facts = await desk.lookUp(repo);
    server.script = ({ place }) => (place === 'files' ? { kind: 'stall', after: 10 } : undefined);
    const source = await link.folder(facts).open('model.safetensors');
    const reading = caught(() => source.read(0, 100));
    await new Promise((resolve) => setTimeout(resolve, 50));
    const { port1, port2 } = new MessageChannel();
    link.connect(port1);
    expect(await reading).toMatchObject({ code: 'workers.crashed', params: { worker: 'hub' } });
    close();
    port2.close();
  });

  it('downloads with progress, tells what is there, and removes it', async () => {
    const { desk } = await openDesk();
    const facts = await desk.lookUp(repo);
    const heard: DownloadProgress[] = [];
    expect(await desk.download(facts, (progress) => heard.push(progress), ignore)).toEqual({
      cancelled: false,
    });
    expect(heard.at(-1)).toMatchObject({ bytesDone: facts.bytes, bytesTotal: facts.bytes });
    expect(await desk.lookUp(repo)).toMatchObject({ complete: true, bytesHere: facts.bytes });
    const { repos } = await desk.storage();
    expect(repos).toMatchObject([{ repo, host: facts.host, models: [{ license: 'mit', revision: 'main' }] }]);
    await desk.remove(facts.host, repo, facts.commit);
    expect((await desk.lookUp(repo)).complete).toBe(false);
  });

  it('brings one file of a data set', async () => {
    const { desk, cache } = await openDesk();
    const rows = '{"prompt":"Who is Zip?","completion":"A robot."}\n'.repeat(300);
    server.models.set('datasets/some/rows', {
      files: { 'README.md': 'x', 'data/train.jsonl': rows, 'data/test.parquet': 'PAR1' },
      license: 'cc-by-4.0',
    });
    const facts = await desk.lookUpData('some/rows');
    expect(facts).toMatchObject({ repo: 'datasets/some/rows', license: 'cc-by-4.0' });
    expect(facts.dataFiles).toEqual([
      { path: 'data/test.parquet', size: 4 },
      { path: 'data/train.jsonl', size: rows.length },
    ]);
    expect(await desk.downloadData(facts, 'data/train.jsonl', ignore, ignore)).toEqual({ cancelled: false });
    const source = await (await cache.open(facts.host, facts.repo, facts.commit))!.open('data/train.jsonl');
    expect(new TextDecoder().decode(await source.read(0, source.size))).toBe(rows);
  });

  it('keeps what a cancelled download has brought', { timeout: 30_000 }, async () => {
    const { desk } = await openDesk();
    const big = new Uint8Array(6_000_000).map((_, at) => Math.imul(at + 1, 2654435761) >>> 24);
    server.models.set(repo, { files: { 'config.json': '{}', 'model.safetensors': big } });
    const facts = await desk.lookUp(repo);
    server.script = ({ place }) => (place === 'files' ? { kind: 'stall', after: 800_000 } : undefined);
    let arrived = 0;
    const downloading = desk.download(facts, ({ bytesDone }) => (arrived = bytesDone), ignore);
    await expect.poll(() => server.bytesSent).toBeGreaterThan(1_000_000);
    // What was sent has to arrive, too; a busy machine takes its time.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await desk.cancelDownload('model');
    expect(await downloading).toEqual({ cancelled: true });
    expect(arrived).toBeGreaterThan(0);
    expect(await desk.lookUp(repo)).toMatchObject({ begun: true, complete: false });
    server.script = () => undefined;
    const before = server.bytesSent;
    expect(await desk.download(facts, ignore, ignore)).toEqual({ cancelled: false });
    expect(server.bytesSent - before).toBeLessThan(big.length - 400_000);
  });

  it('finds a downloaded model where the Hub cannot be reached, and says so for others', async () => {
    const { desk } = await openDesk();
    await desk.download(await desk.lookUp(repo), ignore, ignore);
    server.script = () => ({ kind: 'status', status: 503 });
    expect(await desk.lookUp(repo)).toMatchObject({ offline: true, complete: true, license: 'mit' });
    await expectGraftError(() => desk.lookUp('other/model'), 'hub.unavailable');
  });

  it('sends the token to no endpoint that was not allowed, and to none after the word was taken back', async () => {
    const { desk } = await openDesk();
    server.models.get(repo)!.gated = true;
    await desk.setToken(server.token);
    await expectGraftError(() => desk.lookUp(repo), 'hub.token_withheld');
    expect(JSON.stringify(server.seen)).not.toContain(server.token);
    await desk.configure({ endpoint: `${server.endpoint}/`, tokenForEndpoint: true });
    expect(await desk.lookUp(repo)).toMatchObject({ gated: true });
    await desk.configure({ endpoint: other.endpoint, tokenForEndpoint: false });
    await desk.lookUp(repo);
    expect(JSON.stringify(other.seen)).not.toContain(server.token);
    server.seen.length = 0;
    await desk.configure({ endpoint: server.endpoint, tokenForEndpoint: false });
    await expectGraftError(() => desk.lookUp(repo), 'hub.token_withheld');
    expect(JSON.stringify(server.seen)).not.toContain(server.token);
  });
});
