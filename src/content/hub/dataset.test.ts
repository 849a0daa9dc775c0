import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseDataset } from '../data/files/parse.ts';
import { MemoryDirectory } from '../../base/storage/memoryDirectory.ts';
import { expectGraftError } from '../../testing/errors.ts';
import { robotStories } from '../../testing/fixtures.ts';
import { testHub } from '../../testing/hub.ts';
import { HubServer } from '../../testing/hubServer.ts';
import { dataFilesOf, downloadDataFile } from './dataset.ts';
import { ModelCache } from './modelCache.ts';
import { parseDatasetFile, parseDatasetReference, parseModelReference } from './repoReference.ts';
import { resolveRepo } from './resolveRepo.ts';
import { freeLocks } from '../../testing/freeLocks.ts';

const repo = 'datasets/robots/stories';
const parquet = readFileSync(new URL('../data/fixtures/chat-zstd.parquet', import.meta.url));
const jsonl = readFileSync(robotStories);
const files = {
  'README.md': '---\nlicense: mit\n---\n',
  'dataset_infos.json': '{}',
  '.gitattributes': '',
  'data/train-00000-of-00001.parquet': parquet,
  'robot-stories.jsonl': jsonl,
};
let server: HubServer;

beforeAll(async () => {
  server = await HubServer.start();
});
afterAll(() => server.stop());
beforeEach(() => {
  server.models.set(repo, { files, license: 'mit' });
  server.script = () => undefined;
  server.seen.length = 0;
});

const open = async () => {
  const { hub } = testHub(server);
  return { hub, dataset: await resolveRepo(hub, parseDatasetReference('robots/stories')) };
};

describe('a dataset on a Hub', () => {
  it('is resolved to a commit, with the files of its folders that may contain rows', async () => {
    const { dataset } = await open();
    expect(dataset).toMatchObject({ repo, revision: 'main', commit: server.commit(repo), license: 'mit' });
    expect(dataFilesOf(dataset).map(({ path }) => path)).toEqual([
      'data/train-00000-of-00001.parquet',
      'robot-stories.jsonl',
    ]);
  });

  it('downloads one file, across a cut connection, and only once', async () => {
    const { hub, dataset } = await open();
    const cache = new ModelCache(new MemoryDirectory('cache'), freeLocks, () => 5);
    server.script = ({ origin, count }) =>
      origin === 'files' && count === 0 ? { kind: 'cut', after: 9000 } : undefined;
    const source = await downloadDataFile(hub, dataset, 'robot-stories.jsonl', cache);
    expect(source.name).toBe('robot-stories.jsonl');
    const bytes = await source.read(0, source.size);
    expect(Buffer.from(bytes).equals(jsonl)).toBe(true);
    const asked = server.seen.length;
    await downloadDataFile(hub, dataset, 'robot-stories.jsonl', cache);
    expect(server.seen).toHaveLength(asked);
  });

  it('caches every requested file, and is removed as a whole', async () => {
    const { hub, dataset } = await open();
    const cache = new ModelCache(new MemoryDirectory('cache'), freeLocks, () => 5);
    const table = await downloadDataFile(hub, dataset, 'data/train-00000-of-00001.parquet', cache);
    expect(table.name).toBe('data/train-00000-of-00001.parquet');
    expect((await parseDataset(table)).rows).toHaveLength(25);
    await downloadDataFile(hub, dataset, 'robot-stories.jsonl', cache);
    const bytes = parquet.length + jsonl.length;
    expect(await cache.list()).toMatchObject([{ host: hub.host, repo, models: [{ bytes, lastUsed: 5 }] }]);
    await cache.remove(hub.host, repo);
    expect(await cache.list()).toEqual([]);
  });

  it('reports a missing file', async () => {
    const { hub, dataset } = await open();
    const cache = new ModelCache(new MemoryDirectory('cache'), freeLocks);
    const download = () => downloadDataFile(hub, dataset, 'other.jsonl', cache);
    await expectGraftError(download, 'hub.file_not_found', { file: 'other.jsonl', repo });
  });
});

describe('references', () => {
  it.each([
    ['org/name', 'datasets/org/name', 'main'],
    ['datasets/org/name@v2', 'datasets/org/name', 'v2'],
    ['hf:datasets/org/name', 'datasets/org/name', 'main'],
    ['https://huggingface.co/datasets/org/name', 'datasets/org/name', 'main'],
    ['https://huggingface.co/datasets/org/name/tree/v2/data', 'datasets/org/name', 'v2'],
  ])('to a dataset: %s', (text, wanted, revision) => {
    expect(parseDatasetReference(text)).toEqual({ repo: wanted, revision });
  });

  it.each([
    ['https://huggingface.co/org/name', 'main'],
    ['https://huggingface.co/org/name/', 'main'],
    ['https://huggingface.co/org/name/tree/v2?x=1#y', 'v2'],
    ['hf:org/name', 'main'],
  ])('to a model: %s', (text, revision) => {
    expect(parseModelReference(text)).toEqual({ repo: 'org/name', revision });
  });

  it.each([
    ['hf:datasets/org/name/a/b.jsonl', 'main', 'a/b.jsonl'],
    ['hf:datasets/org/name@v2/b.jsonl', 'v2', 'b.jsonl'],
    [
      'hf:datasets/org/name@refs/convert/parquet/default/0.parquet',
      'refs/convert/parquet',
      'default/0.parquet',
    ],
  ])('to a file: %s', (text, revision, path) => {
    expect(parseDatasetFile(text)).toEqual({ reference: { repo: 'datasets/org/name', revision }, path });
  });

  it.each(['datasets/org', 'hf:datasets/org/name', 'hf:datasets/../x/y', 'hf:org/name/x'])(
    'to a file are rejected: %s',
    async (text) => {
      await expectGraftError(() => parseDatasetFile(text), 'hub.bad_reference');
    },
  );

  it.each(['https://evil.example/org/name', 'datasets/org/name', 'a/b/c'])(
    'to a model are rejected: %s',
    async (text) => {
      await expectGraftError(() => parseModelReference(text), 'hub.bad_reference');
    },
  );
});
