import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { GraftError, type ErrorCode } from '../../base/lib/errors.ts';
import { openModelFiles } from '../../engine/model/spec/openModel.ts';
import { MemoryDirectory } from '../../base/storage/memoryDirectory.ts';
import { nodeDirectory } from '../../base/storage/nodeDirectory.ts';
import { nodeLocks } from '../../base/storage/nodeLocks.ts';
import type { Directory, Folder, RandomAccessFile } from '../../base/storage/types.ts';
import { scratchFolder } from '../../testing/cli.ts';
import { caught, expectGraftError } from '../../testing/errors.ts';
import { modelPath } from '../../testing/fixtures.ts';
import { servedFolder, testHub } from '../../testing/hub.ts';
import { HubServer, type Fault, type SeenRequest } from '../../testing/hubServer.ts';
import { BlobStore } from './blobStore.ts';
import { downloadFile, type DownloadOptions } from './downloadFile.ts';
import type { RepoDownloadOptions } from './downloadFiles.ts';
import { downloadModel } from './downloadModel.ts';
import { ModelCache } from './modelCache.ts';
import { pieceBytesOf } from '../../base/storage/pieceJournal.ts';
import type { DownloadProgress } from './progress.ts';
import { RemoteFile } from './remoteFile.ts';
import { resolveRepo } from './resolveRepo.ts';

const scratch = scratchFolder();
const repo = 'org/big';
const name = 'model.safetensors';
const SIZE = 4_345_678;
const PART = 1 << 18;
const piece = pieceBytesOf(SIZE);
/** Bytes without repetitions, so that a misplaced piece is noticed. */
const big = new Uint8Array(
  new Uint32Array(SIZE / 4 + 1).map((_, at) => Math.imul(at + 1, 2654435761)).buffer,
  0,
  SIZE,
);
let server: HubServer;

beforeAll(async () => {
  server = await HubServer.start({ [repo]: { files: { 'config.json': '{}', [name]: big } } });
});
afterAll(() => server.stop());
beforeEach(() => {
  server.models.set(repo, { files: { 'config.json': '{}', [name]: big } });
  server.script = () => undefined;
  server.seen.length = 0;
});

const onFiles = (fault: (seen: SeenRequest) => Fault | undefined): void => {
  server.script = (seen) => (seen.origin === 'files' ? fault(seen) : undefined);
};

/** An in-memory store and downloads of the large file into it. */
async function bigDownload(directory: Directory = new MemoryDirectory('blobs')) {
  const { hub } = testHub(server);
  const model = await resolveRepo(hub, { repo, revision: 'main' });
  const file = model.files.get(name)!;
  const store = new BlobStore(directory);
  const start = (options: DownloadOptions = {}) =>
    // Parts of a sixteenth of the file: several requests, sequential and concurrent.
    downloadFile(new RemoteFile(hub, repo, model.commit, file), store, { partBytes: PART, ...options });
  const received = (): number => hub.bytesReceived;
  const isRight = async (): Promise<boolean> => {
    const source = await store.open(file);
    return Buffer.from(await source.read(0, source.size)).equals(big);
  };
  return { hub, file, store, directory, start, received, isRight };
}

describe('a file', () => {
  it.each<[string, (seen: SeenRequest) => Fault | undefined]>([
    ['nothing', () => undefined],
    ['a cut at every 1 %', () => ({ kind: 'cut', after: Math.ceil(SIZE / 100) })],
    ['cuts at odd places', ({ count }) => ({ kind: 'cut', after: 1 + ((count * 77_777) % 300_000) })],
    [
      '503 in bursts',
      ({ count }) => (count % 12 > 7 ? { kind: 'status', status: 503 } : { kind: 'cut', after: 1e5 }),
    ],
    [
      '429 with a reset',
      ({ count }) =>
        count % 5 === 1
          ? { kind: 'status', status: 429, headers: { RateLimit: '"resolvers";r=0;t=30' } }
          : undefined,
    ],
    ['expired addresses', ({ count }) => (count % 4 === 3 ? { kind: 'status', status: 403 } : undefined)],
    [
      'a wrong Content-Range now and then',
      ({ count }) => (count % 4 === 1 ? { kind: 'wrongRange', shift: -1 } : undefined),
    ],
    ['compressed answers now and then', ({ count }) => (count % 4 === 1 ? { kind: 'gzip' } : undefined)],
    [
      'the whole file now and then',
      ({ count }) => (count === 2 || count === 5 ? { kind: 'whole' } : undefined),
    ],
    ['the whole file, always', () => ({ kind: 'whole' })],
  ])('arrives intact despite %s', async (_, fault) => {
    onFiles(fault);
    const { start, received, isRight, directory } = await bigDownload();
    const before = received();
    await start();
    expect(await isRight()).toBe(true);
    expect((await directory.list()).filter((file) => file.endsWith('.pieces'))).toEqual([]);
    expect((received() - before) / SIZE - 1).toBeLessThan(0.01);
  });

  it('appears only once verified, and resumes after cancellation', async () => {
    const { start, received, isRight, store, file } = await bigDownload();
    let starts = 0;
    for (let cancelAt = SIZE / 6; !(await store.has(file)); cancelAt += SIZE / 6) {
      const stop = new AbortController();
      let done = 0;
      const onBytes = (bytes: number): void => {
        done += bytes;
        if (done >= cancelAt && done < SIZE) stop.abort();
      };
      const error = await caught(() => start({ signal: stop.signal, onBytes }));
      starts += 1;
      expect(done).toBeGreaterThan(Math.min(cancelAt, SIZE) * 0.99);
      if (error === undefined) break;
      expect(error).toMatchObject({ name: 'AbortError' });
      await expectGraftError(() => store.open(file), 'storage.not_found', { file: name });
    }
    expect(starts).toBeGreaterThan(4);
    expect(await isRight()).toBe(true);
    // At each cancellation four requests are active, each within a piece and with a few pieces in flight.
    expect(received() / SIZE - 1).toBeLessThan(starts * 4 * 0.01);
  });

  it.each<[string, (bytes: Uint8Array, oid: string, directory: MemoryDirectory) => void, number]>([
    ['a flipped bit', (bytes) => (bytes[5 * piece + 3]! ^= 4), 1],
    [
      'a file cut off',
      (_, oid, directory) => void directory.files.set(oid, directory.files.get(oid)!.slice(0, 3 * piece)),
      900,
    ],
    ['zeros', (bytes) => bytes.fill(0, 0, 2 * piece), 2],
    [
      'a journal of nonsense',
      (_, oid, directory) => directory.files.get(`${oid}.pieces`)!.fill(7, 16, 16 + 64),
      2,
    ],
    [
      'a journal of something else',
      (_, oid, directory) => directory.files.get(`${oid}.pieces`)!.fill(7),
      900,
    ],
    ['no journal', (_, oid, directory) => void directory.files.delete(`${oid}.pieces`), 900],
  ])('survives a crash that left %s', async (_, damage, pieces) => {
    const directory = new MemoryDirectory('blobs');
    const { start, received, isRight, file } = await bigDownload(directory);
    const stop = new AbortController();
    let done = 0;
    const onBytes = (bytes: number): void => {
      done += bytes;
      if (done > SIZE * 0.9) stop.abort();
    };
    await caught(() => start({ signal: stop.signal, onBytes }));
    damage(directory.files.get(file.oid)!, file.oid, directory);
    const before = received();
    let existing = 0;
    await start({ onBytes: (bytes) => (existing += received() === before ? bytes : 0) });
    expect(await isRight()).toBe(true);
    expect(done - existing).toBeLessThanOrEqual((pieces + 8) * piece);
    expect(received() - before).toBeLessThanOrEqual(SIZE * 0.1 + (pieces + 8) * piece);
  });

  it('fetches one piece again if a bit flips on its way to the disk', async () => {
    const { start, received, isRight } = await bigDownload(failing({ flipAt: 7 * piece + 1 }));
    const before = received();
    await start();
    expect(await isRight()).toBe(true);
    expect(received() - before - SIZE).toBeLessThanOrEqual(piece);
  });

  it('fetches one piece again if a bit flips where the connection had trouble', async () => {
    const at = 9 * piece + 5;
    let flips = 0;
    onFiles(({ begin, count }) => {
      if (count === 0) return { kind: 'cut', after: 9 * piece + 2 };
      return begin === 9 * piece + 2 && (flips += 1) === 1 ? { kind: 'flip', at } : undefined;
    });
    const { start, received, isRight } = await bigDownload();
    const before = received();
    await start();
    expect([flips, await isRight()]).toEqual([1, true]);
    expect(received() - before - SIZE).toBeLessThanOrEqual(2 * piece);
  });

  it('fetches parts again until the damaged one is found, if a bit flips in an ordinary answer', async () => {
    const at = 600_000;
    let flips = 0;
    onFiles(() => ((flips += 1) < 9 ? { kind: 'flip', at } : undefined));
    const { start, received, isRight } = await bigDownload();
    const before = received();
    await start();
    expect(await isRight()).toBe(true);
    expect(received() - before - SIZE).toBeLessThanOrEqual(3 * PART);
  });

  it('whose bytes stay wrong is rejected, and nothing of it remains', async () => {
    onFiles(() => ({ kind: 'flip', at: 1_000_000 }));
    const { start, directory, file } = await bigDownload();
    await expectGraftError(() => start(), 'hub.checksum', { file: name, expected: file.oid });
    expect(await directory.list()).toEqual([]);
  });

  it('resumes when there is space again after the disk was full', async () => {
    const directory = failing({ fullAfter: SIZE / 2 });
    const { start, received, isRight } = await bigDownload(directory);
    await expectGraftError(() => start(), 'storage.quota', {});
    const before = received();
    directory.full = Infinity;
    await start();
    expect(await isRight()).toBe(true);
    expect(received() - before).toBeLessThan(SIZE * 0.55);
  });

  it.each<[string, Fault, ErrorCode]>([
    ['a web page', { kind: 'html' }, 'hub.html_page'],
    ['a pointer, shorter than the requested offset', { kind: 'pointer' }, 'hub.bad_range'],
    ['503 for good', { kind: 'status', status: 503 }, 'hub.unavailable'],
    ['a refusal for good', { kind: 'status', status: 403 }, 'hub.refused'],
  ])('preserves received data before %s', async (_, fault, code) => {
    onFiles(({ begin }) => (begin > SIZE / 2 ? fault : undefined));
    const { start, received, isRight } = await bigDownload();
    await expectGraftError(() => start({ parallel: 1 }), code);
    server.script = () => undefined;
    const before = received();
    await start();
    expect(await isRight()).toBe(true);
    expect(received() - before).toBeLessThan(SIZE * 0.52);
  });
});

/** An in-memory directory whose disk fills up, or flips one written bit, once. */
function failing({ fullAfter = Infinity, flipAt = -1 }: { fullAfter?: number; flipAt?: number }) {
  const inner = new MemoryDirectory('blobs');
  const edit = inner.edit.bind(inner);
  let written = 0;
  let toFlip = flipAt;
  const directory = Object.assign(inner, {
    full: fullAfter,
    async edit(file: string): Promise<RandomAccessFile> {
      const opened = await edit(file);
      if (file.endsWith('.pieces')) return opened;
      return {
        ...opened,
        async write(offset: number, bytes: Uint8Array<ArrayBuffer>) {
          written += bytes.byteLength;
          if (written > directory.full) throw new GraftError('storage.quota', { file });
          const copy = bytes.slice();
          if (toFlip >= offset && toFlip < offset + bytes.byteLength) {
            copy[toFlip - offset]! ^= 16;
            toFlip = -1;
          }
          await opened.write(offset, copy);
        },
      };
    },
  });
  return directory;
}

let caches = 0;
const newCache = (path = join(scratch, `cache${(caches += 1)}`)) => {
  let time = 0;
  const cache = new ModelCache(nodeDirectory(path), nodeLocks(join(path, 'locks')), () => (time += 1));
  return { path, cache };
};

async function contents(folder: Folder): Promise<Record<string, Buffer>> {
  const files: Record<string, Buffer> = {};
  for (const file of await folder.list()) {
    const source = await folder.open(file);
    files[file] = Buffer.from(await source.read(0, source.size));
  }
  return files;
}

describe('a model', () => {
  const tiny = 'Qwen/tiny-qwen3';
  const served = () => servedFolder(modelPath('tiny-qwen3'));
  beforeEach(() => void server.models.set(tiny, served()));
  const download = async (
    cache: ModelCache,
    settings = {},
    options: RepoDownloadOptions = {},
    revision = 'main',
  ) => {
    const { hub } = testHub(server, settings);
    const model = await resolveRepo(hub, { repo: tiny, revision });
    return { hub, model, folder: await downloadModel(hub, model, cache, options) };
  };
  const fileRequests = () =>
    server.seen.filter(({ path, origin }) => origin === 'files' || path.includes('/resolve/'));

  it('arrives with only the files it needs, and is cached', async () => {
    const extra = {
      'pytorch_model.bin': big,
      'model.onnx': big,
      'README.md': '# Tiny',
      'a.safetensors': big,
    };
    server.models.set(tiny, { files: { ...served().files, ...extra } });
    const { cache } = newCache();
    const progress: DownloadProgress[] = [];
    const { folder, model } = await download(cache, {}, { onProgress: (now) => progress.push(now) });
    const files = { ...served().files, 'README.md': Buffer.from('# Tiny') };
    expect(await contents(folder)).toEqual(files);
    expect((await openModelFiles(folder)).spec.layers).toBeGreaterThan(0);
    const total = Object.values(files).reduce((sum, { length }) => sum + length, 0);
    expect(progress.at(-1)).toMatchObject({ bytesDone: total, bytesTotal: total, secondsLeft: 0 });
    const requests = fileRequests().length;
    await download(cache);
    expect(fileRequests()).toHaveLength(requests);
    const host = new URL(server.endpoint).host;
    expect(await cache.list()).toMatchObject([
      { host, repo: tiny, models: [{ commit: model.commit, revision: 'main', bytes: total, lastUsed: 2 }] },
    ]);
    expect((await cache.list())[0]!.bytes).toBeGreaterThanOrEqual(total);
  });

  it('at a new commit downloads only changes; each commit can be removed separately', async () => {
    const { path, cache } = newCache();
    const first = await download(cache);
    const changed = { ...served().files, 'README.md': 'new' };
    server.models.set(tiny, { files: changed });
    const requests = fileRequests().length;
    const second = await download(cache);
    expect(second.model.commit).not.toBe(first.model.commit);
    const fetched = fileRequests().slice(requests);
    expect(fetched.map((seen) => seen.path.split('/').at(-1)).sort()).toEqual([
      'README.md',
      'model.safetensors.index.json',
    ]);
    const host = new URL(server.endpoint).host;
    expect(await cache.latest(host, tiny, 'main')).toBe(second.model.commit);
    await cache.remove(host, tiny, first.model.commit);
    expect(await cache.open(host, tiny, first.model.commit)).toBeNull();
    expect(await contents(second.folder)).toEqual({ ...served().files, 'README.md': Buffer.from('new') });
    await cache.remove(host, tiny, second.model.commit);
    expect((await cache.list())[0]).toMatchObject({ bytes: 0, models: [] });
    await cache.remove(host, tiny);
    expect(await cache.list()).toEqual([]);
    expect(filesUnder(path)).toEqual([]);
  });

  it('that changes on the Hub during a download stays at its commit', async () => {
    let moved = false;
    onFiles(() => {
      if (!moved) {
        const files = served().files;
        server.models.set(tiny, { files: { ...files, 'model-00002-of-00002.safetensors': big } });
      }
      moved = true;
      return undefined;
    });
    const { folder } = await download(newCache().cache);
    expect(moved).toBe(true);
    expect(await contents(folder)).toEqual(served().files);
  });

  it('is fetched once for two concurrent requests', async () => {
    const { path, cache } = newCache();
    let waited = 0;
    const options = { onWait: () => (waited += 1) };
    const both = await Promise.all([
      download(cache, {}, options),
      download(newCache(path).cache, {}, options),
    ]);
    for (const { folder } of both) expect(await contents(folder)).toEqual(served().files);
    expect(waited).toBe(1);
    expect(server.seen.filter(({ origin }) => origin === 'files')).toHaveLength(2);
  });

  it('fetches a corrupt small file again, and is rejected if it stays corrupt', async () => {
    const flip = (times: number) =>
      (server.script = ({ path, count }) =>
        path.endsWith('/config.json') && count < times ? { kind: 'flip', at: 5 } : undefined);
    flip(1);
    expect(await contents((await download(newCache().cache)).folder)).toEqual(served().files);
    server.seen.length = 0;
    flip(9);
    await expectGraftError(() => download(newCache().cache), 'hub.checksum', { file: 'config.json' });
  });

  it('leaves the token in no file and in no request to another host, even if it is revoked meanwhile', async () => {
    server.models.set(tiny, { ...served(), gated: true });
    const { path, cache } = newCache();
    const known = server.token;
    const settings = { token: () => known, tokenForEndpoint: true };
    onFiles(() => {
      server.token = 'hf_another';
      return undefined;
    });
    const error = await caught(() => download(cache, settings));
    expect(error).toMatchObject({ code: 'hub.token_refused' });
    expect(String((error as Error).stack)).not.toContain(known);
    server.script = () => undefined;
    server.token = known;
    await download(cache, settings);
    for (const { origin, headers, path: asked } of server.seen) {
      expect(origin === 'hub' || !JSON.stringify([headers, asked]).includes(known)).toBe(true);
    }
    const files = filesUnder(path);
    expect(files.length).toBeGreaterThan(5);
    for (const file of files) expect(readFileSync(file).includes(known)).toBe(false);
  });

  it('without config.json, or with an index of missing files, is rejected before weights are downloaded', async () => {
    server.models.set(tiny, { files: { [name]: big } });
    await expectGraftError(() => download(newCache().cache), 'hub.no_model_files', { file: 'config.json' });
    const { ['model-00002-of-00002.safetensors']: _, ...files } = served().files;
    server.models.set(tiny, { files });
    await expectGraftError(() => download(newCache().cache), 'formats.index_shard_missing');
    expect(server.seen.filter(({ origin }) => origin === 'files')).toEqual([]);
  });

  it('re-downloads only what is damaged in the cache', async () => {
    const { path, cache } = newCache();
    await download(cache);
    const marks = filesUnder(path).filter(
      (file) => file.endsWith('.ok') && statSync(file.slice(0, -3)).size > 400_000,
    );
    const { writeFileSync } = await import('node:fs');
    writeFileSync(marks[0]!, 'torn');
    const before = server.seen.filter(({ origin }) => origin === 'files').length;
    const { folder } = await download(cache);
    expect(await contents(folder)).toEqual(served().files);
    expect(server.seen.filter(({ origin }) => origin === 'files')).toHaveLength(before + 1);
  });
});

function filesUnder(path: string): string[] {
  const names = readdirSync(path, { recursive: true }) as string[];
  return names.map((file) => join(path, file)).filter((file) => statSync(file).isFile());
}
