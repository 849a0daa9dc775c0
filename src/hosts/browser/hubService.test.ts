import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ModelCache } from '../../content/hub/modelCache.ts';
import { openModelHeaders } from '../../engine/model/spec/openModel.ts';
import { MemoryDirectory } from '../../base/storage/memoryDirectory.ts';
import { expectGraftError, caught } from '../../testing/errors.ts';
import { servedFolder, TestClock } from '../../testing/hub.ts';
import { HubServer } from '../../testing/hubServer.ts';
import { scratchFolder } from '../../testing/cli.ts';
import { writeTinyStories } from '../../testing/tinyStories.ts';
import { createHubService } from './hubService.ts';
import { tinyGguf } from '../../testing/gguf.ts';
import { createHubLink } from './hubLink.ts';
import type { ModelSource } from './messages.ts';
import { folderOf } from './sourceFolder.ts';
import type { DownloadProgress } from './hubProtocol.ts';
import { freeLocks } from '../../testing/freeLocks.ts';

const repo = 'test/tiny-stories';
const path = writeTinyStories(scratchFolder());
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

/** A service of the test Hub, with a cache in memory. */
async function openService({ tokenForEndpoint = false } = {}) {
  const directory = new MemoryDirectory('hub');
  const cache = new ModelCache(directory, freeLocks);
  const service = createHubService(async () => cache, { clock: new TestClock() });
  await service.configure({ endpoint: server.endpoint, tokenForEndpoint });
  return { service, cache, directory };
}

/** Non-zero bytes in a directory and those in it: files are created in their full length, of zeros. */
async function written(directory: MemoryDirectory): Promise<number> {
  let count = 0;
  for (const bytes of directory.files.values()) count += bytes.filter(Boolean).length;
  for (const name of await directory.directories()) count += await written(await directory.directory(name));
  return count;
}

/** The service and another worker's link to it. */
async function openLinked() {
  const { service } = await openService();
  const link = createHubLink();
  const { port1, port2 } = new MessageChannel();
  await service.serve(port1);
  link.connect(port2);
  return { service, link, close: () => port2.close() };
}

describe('createHubService', () => {
  it('reports license, size and commit of a model without reading its weights', async () => {
    const { service } = await openService();
    const facts = await service.lookUp(`${repo}@main`);
    expect(facts).toMatchObject({
      repo,
      revision: 'main',
      license: 'mit',
      gated: false,
      complete: false,
      bytesHere: 0,
      commit: server.commit(repo),
      host: new URL(server.endpoint).host,
      page: `${server.endpoint}/${repo}`,
    });
    const sizes = Object.values(server.models.get(repo)!.files).map((file) => file.length);
    expect(facts.bytes).toBeLessThanOrEqual(sizes.reduce((a, b) => a + b));
    expect(facts.bytes).toBeGreaterThan(weights.length);
    expect(server.seen.filter(({ origin }) => origin === 'files')).toEqual([]);
  });

  it('searches models by name', async () => {
    const { service } = await openService();
    server.models.set('other/robot', { files: {}, gated: true });
    expect(await service.search('stories')).toEqual([
      { repo, downloads: 7, likes: 1, license: 'mit', gated: false, parameters: null },
    ]);
    expect(await service.search('robot')).toMatchObject([
      { repo: 'other/robot', gated: true, license: null },
    ]);
  });

  it('serves ranges of weights to another worker, and fetches small files once', async () => {
    const { service, link, close } = await openLinked();
    const facts = await service.lookUp(repo);
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

  it('rejects pending reads when the hub worker was restarted', async () => {
    const { service, link, close } = await openLinked();
    const facts = await service.lookUp(repo);
    server.script = ({ origin }) => (origin === 'files' ? { kind: 'stall', after: 10 } : undefined);
    const source = await link.folder(facts).open('model.safetensors');
    const reading = caught(() => source.read(0, 100));
    await expect.poll(() => server.seen.some(({ origin }) => origin === 'files')).toBe(true);
    const { port1, port2 } = new MessageChannel();
    link.connect(port1);
    expect(await reading).toMatchObject({ code: 'workers.crashed', params: { worker: 'hub' } });
    close();
    port2.close();
  });

  it('downloads with progress, lists what is stored, and removes it', async () => {
    const { service } = await openService();
    const facts = await service.lookUp(repo);
    const heard: DownloadProgress[] = [];
    expect(await service.download(facts, (progress) => heard.push(progress), ignore)).toEqual({
      cancelled: false,
    });
    expect(heard.at(-1)).toMatchObject({ bytesDone: facts.bytes, bytesTotal: facts.bytes });
    expect(await service.lookUp(repo)).toMatchObject({ complete: true, bytesHere: facts.bytes });
    const { repos } = await service.storage();
    expect(repos).toMatchObject([{ repo, host: facts.host, models: [{ license: 'mit', revision: 'main' }] }]);
    await service.remove(facts.host, repo, facts.commit);
    expect((await service.lookUp(repo)).complete).toBe(false);
  });

  it('downloads one file of a data set', async () => {
    const { service, cache } = await openService();
    const rows = '{"prompt":"Who is Zip?","completion":"A robot."}\n'.repeat(300);
    server.models.set('datasets/some/rows', {
      files: { 'README.md': 'x', 'data/train.jsonl': rows, 'data/test.parquet': 'PAR1' },
      license: 'cc-by-4.0',
    });
    const facts = await service.lookUpData('some/rows');
    expect(facts).toMatchObject({ repo: 'datasets/some/rows', license: 'cc-by-4.0' });
    expect(facts.dataFiles).toEqual([
      { path: 'data/test.parquet', size: 4 },
      { path: 'data/train.jsonl', size: rows.length },
    ]);
    expect(await service.downloadData(facts, 'data/train.jsonl', ignore, ignore)).toEqual({
      cancelled: false,
    });
    const source = await (await cache.open(facts.host, facts.repo, facts.commit))!.open('data/train.jsonl');
    expect(new TextDecoder().decode(await source.read(0, source.size))).toBe(rows);
  });

  it('continues a cancelled download from what arrived', async () => {
    const { service, directory } = await openService();
    const big = new Uint8Array(6_000_000).map((_, at) => Math.imul(at + 1, 2654435761) >>> 24);
    server.models.set(repo, { files: { 'config.json': '{}', 'model.safetensors': big } });
    const facts = await service.lookUp(repo);
    server.script = ({ origin }) => (origin === 'files' ? { kind: 'stall', after: 800_000 } : undefined);
    const downloading = service.download(facts, ignore, ignore);
    await expect.poll(() => written(directory)).toBeGreaterThan(1_000_000);
    await service.cancelDownload('model');
    expect(await downloading).toEqual({ cancelled: true });
    expect(await service.lookUp(repo)).toMatchObject({ begun: true, complete: false });
    server.script = () => undefined;
    const before = server.bytesSent;
    expect(await service.download(facts, ignore, ignore)).toEqual({ cancelled: false });
    expect(server.bytesSent - before).toBeLessThan(big.length - 400_000);
  });

  it('has one GGUF file of several chosen, and downloads those beside each other', async () => {
    const { service, link, close } = await openLinked();
    const gguf = 'test/ggufs';
    const small = tinyGguf();
    const large = tinyGguf([{ key: 'general.name', type: 'string', value: 'a longer one' }]);
    const files = {
      'tiny-Q8_0.gguf': small,
      'tiny.bf16.gguf': large,
      'mmproj-tiny.gguf': 'sees',
      'big-00001-of-00002.gguf': 'a part',
      'README.md': '# Tiny',
    };
    server.models.set(gguf, { files, license: 'mit' });
    const { ggufs } = await service.lookUp(gguf);
    expect(ggufs).toEqual([
      { path: 'tiny-Q8_0.gguf', size: small.length, type: 'Q8_0' },
      { path: 'tiny.bf16.gguf', size: large.length, type: 'BF16' },
    ]);
    const facts = await service.lookUp(gguf, 'tiny.bf16.gguf');
    expect(facts).toMatchObject({ bytes: large.length, files: 1, complete: false, gguf: 'tiny.bf16.gguf' });
    const source: ModelSource = { ...facts, kind: 'hub', name: 'tiny' };
    expect((await openModelHeaders(await folderOf(source, link))).spec.layers).toBe(1);
    for (const path of ['tiny.bf16.gguf', 'tiny-Q8_0.gguf']) {
      await service.download(await service.lookUp(gguf, path), ignore, ignore);
      expect(await service.lookUp(gguf, path)).toMatchObject({ complete: true });
    }
    await expectGraftError(() => service.lookUp(gguf, 'other.gguf'), 'storage.not_found');
    server.script = () => ({ kind: 'status', status: 503 });
    expect((await service.lookUp(gguf)).ggufs).toEqual(ggufs);
    expect(await service.lookUp(gguf, 'tiny-Q8_0.gguf')).toMatchObject({
      bytes: small.length,
      offline: true,
    });
    close();
  });

  it('takes the only GGUF file, and refuses one in parts', async () => {
    const { service } = await openService();
    server.models.set('test/one', { files: { 'tiny.gguf': tinyGguf() } });
    expect(await service.lookUp('test/one')).toMatchObject({ gguf: 'tiny.gguf', files: 1 });
    server.models.set('test/parts', { files: { 'big-00001-of-00003.gguf': 'a part' } });
    await expectGraftError(() => service.lookUp('test/parts'), 'formats.gguf_split', { count: 3 });
  });

  it('tells adapters from models, and serves their files', async () => {
    const { service, link, close } = await openLinked();
    const files = { 'adapter_config.json': '{"r": 2}', 'adapter_model.safetensors': 'weights' };
    server.models.set('test/adapter', { files, license: 'mit' });
    await expectGraftError(() => service.lookUp('test/adapter'), 'hub.is_adapter');
    await expectGraftError(() => service.lookUpAdapter(repo), 'hub.not_adapter');
    const facts = await service.lookUpAdapter('test/adapter');
    expect(facts).toMatchObject({ repo: 'test/adapter', license: 'mit' });
    expect((await link.folder(facts).list()).sort()).toEqual(Object.keys(files));
    close();
  });

  it('finds a downloaded model when the Hub is unreachable, and fails for others', async () => {
    const { service } = await openService();
    await service.download(await service.lookUp(repo), ignore, ignore);
    server.script = () => ({ kind: 'status', status: 503 });
    expect(await service.lookUp(repo)).toMatchObject({ offline: true, complete: true, license: 'mit' });
    await expectGraftError(() => service.lookUp('other/model'), 'hub.unavailable');
  });

  it('sends the token only to allowed endpoints, and to none after consent was withdrawn', async () => {
    const { service } = await openService();
    server.models.get(repo)!.gated = true;
    await service.setToken(server.token);
    await expectGraftError(() => service.lookUp(repo), 'hub.token_withheld');
    expect(JSON.stringify(server.seen)).not.toContain(server.token);
    await service.configure({ endpoint: `${server.endpoint}/`, tokenForEndpoint: true });
    expect(await service.lookUp(repo)).toMatchObject({ gated: true });
    await service.configure({ endpoint: other.endpoint, tokenForEndpoint: false });
    await service.lookUp(repo);
    expect(JSON.stringify(other.seen)).not.toContain(server.token);
    server.seen.length = 0;
    await service.configure({ endpoint: server.endpoint, tokenForEndpoint: false });
    await expectGraftError(() => service.lookUp(repo), 'hub.token_withheld');
    expect(JSON.stringify(server.seen)).not.toContain(server.token);
  });
});
