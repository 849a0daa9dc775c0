import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ErrorCode, ErrorParams } from '../../base/lib/errors.ts';
import { openModelHeaders } from '../../engine/model/spec/openModel.ts';
import { scratchFolder } from '../../testing/cli.ts';
import { caught, expectGraftError } from '../../testing/errors.ts';
import { servedFolder, testHub } from '../../testing/hub.ts';
import { HubServer, type Fault, type SeenRequest } from '../../testing/hubServer.ts';
import { writeTinyStories } from '../../testing/tinyStories.ts';
import { Hub } from './hub.ts';
import { hubFolder } from './hubFolder.ts';
import { parseModelReference } from './repoReference.ts';
import { resolveRepo } from './resolveRepo.ts';

const repo = 'test/tiny-stories';
const path = writeTinyStories(scratchFolder());
const weights = readFileSync(`${path}/model.safetensors`);
const name = 'model.safetensors';
let server: HubServer;

beforeAll(async () => {
  server = await HubServer.start();
});
afterAll(() => server.stop());
beforeEach(() => {
  server.models.clear();
  server.models.set(repo, servedFolder(path));
  server.script = () => undefined;
  server.seen.length = 0;
  server.signedFor = 60_000;
});

const open = async (settings = {}, reference = repo) => {
  const { hub, clock } = testHub(server, settings);
  const model = await resolveRepo(hub, parseModelReference(reference));
  return { hub, clock, model, folder: hubFolder(hub, model) };
};
const onFiles = (fault: (seen: SeenRequest) => Fault | undefined): void => {
  server.script = (seen) => (seen.origin === 'files' ? fault(seen) : undefined);
};

describe('a model on a Hub', { timeout: 60_000 }, () => {
  it('is resolved to a commit, with its licence and top-level files, page by page', async () => {
    const { model } = await open();
    expect(model).toMatchObject({ repo, revision: 'main', license: 'mit', gated: false, private: false });
    expect(model.commit).toBe(server.commit(repo));
    expect([...model.files.keys()]).toEqual(Object.keys(server.models.get(repo)!.files));
    expect(model.files.get(name)).toMatchObject({ size: weights.length, lfs: true });
    expect(model.files.get('config.json')).toMatchObject({ lfs: false });
    expect(server.seen.filter((seen) => seen.path.includes('/tree/')).length).toBeGreaterThan(1);
  });

  it('is planned from ranges of config, index and headers, a small part of its bytes', async () => {
    const { hub, folder } = await open();
    const { spec } = await openModelHeaders(folder);
    expect(spec.layers).toBe(5);
    expect(hub.bytesReceived).toBeLessThan(weights.length / 8);
    expect(server.seen.filter(({ origin }) => origin === 'files')).toHaveLength(1);
  });

  it('is read at any range, and at its commit even after main moves', async () => {
    const { folder } = await open();
    const files = { ...server.models.get(repo)!.files };
    server.models.set(repo, { files: { ...files, [name]: weights.map((byte) => byte ^ 255) } });
    const source = await folder.open(name);
    for (const [offset, length] of [
      [0, weights.length],
      [65_535, 2],
      [65_536, 1],
      [weights.length - 5, 5],
      [7, 0],
    ] as const) {
      const found = Buffer.from(await source.read(offset, length));
      expect(found.equals(weights.subarray(offset, offset + length))).toBe(true);
    }
    await expectGraftError(() => source.read(weights.length, 1), 'storage.short_read');
    await expectGraftError(() => folder.open('nope'), 'storage.not_found');
  });

  it.each<[string, (seen: SeenRequest) => Fault | undefined]>([
    ['cut at every 1 %', () => ({ kind: 'cut', after: Math.ceil(weights.length / 100) })],
    [
      '503 in bursts',
      ({ count }) => (count % 4 ? { kind: 'status', status: 503 } : { kind: 'cut', after: 9e5 }),
    ],
    ['a whole file for a range, once', ({ count }) => (count === 0 ? { kind: 'whole' } : undefined)],
    ['a whole file for every range', () => ({ kind: 'whole' })],
    ['another range, twice', ({ count }) => (count < 2 ? { kind: 'wrongRange', shift: 1 } : undefined)],
    ['compressed bytes, once', ({ count }) => (count === 0 ? { kind: 'gzip' } : undefined)],
    ['an address that expired', ({ count }) => (count === 1 ? { kind: 'status', status: 403 } : undefined)],
  ])('is read correctly despite %s', async (_, fault) => {
    onFiles(fault);
    const { folder } = await open();
    const source = await folder.open(name);
    for (const offset of [8, 70_000, 400_000]) {
      const found = await source.read(offset, weights.length - offset);
      expect(Buffer.from(found).equals(weights.subarray(offset))).toBe(true);
    }
  });

  it('is read through a connection that stalls', async () => {
    onFiles(({ count }) => (count === 0 ? { kind: 'stall', after: 1000 } : undefined));
    const { folder } = await open({ idleMs: 100 });
    const found = await (await folder.open(name)).read(0, weights.length);
    expect(Buffer.from(found).equals(weights)).toBe(true);
  });

  it('requests a new address when the old one has expired', async () => {
    server.signedFor = -1;
    const { folder } = await open();
    const source = await folder.open(name);
    const error = await caught(() => source.read(100_000, 10));
    expect(error).toMatchObject({ code: 'hub.refused' });
    server.signedFor = 60_000;
    expect(await source.read(100_000, 10)).toHaveLength(10);
    server.now = () => Date.now() + 120_000;
    expect(await source.read(200_000, 10)).toHaveLength(10);
    server.now = Date.now;
  });

  it.each<[string, Record<string, string>, number]>([
    ['Retry-After', { 'Retry-After': '17' }, 17_000],
    ['RateLimit', { RateLimit: '"resolvers";r=0;t=42' }, 42_000],
  ])('waits as a 429 requests by %s', async (_, headers, wait) => {
    onFiles(({ count }) => (count === 0 ? { kind: 'status', status: 429, headers } : undefined));
    const { folder, clock } = await open();
    expect(await (await folder.open(name)).read(0, 8)).toHaveLength(8);
    expect(clock.slept).toEqual([wait]);
  });

  it.each<[string, (seen: SeenRequest) => Fault | undefined, ErrorCode, ErrorParams]>([
    ['a web page', () => ({ kind: 'html' }), 'hub.html_page', { file: name }],
    ['an LFS pointer', () => ({ kind: 'pointer' }), 'hub.lfs_pointer', { file: name }],
    [
      '503 for good',
      () => ({ kind: 'status', status: 503 }),
      'hub.unavailable',
      { status: 503, attempts: 8 },
    ],
    ['compressed bytes for good', () => ({ kind: 'gzip' }), 'hub.bad_range', { file: name }],
    ['wrong ranges for good', () => ({ kind: 'wrongRange', shift: 1 }), 'hub.bad_range', { file: name }],
    [
      'an hour’s wait',
      () => ({ kind: 'status', status: 429, headers: { 'Retry-After': '3600' } }),
      'hub.rate_limited',
      { seconds: 3600 },
    ],
    ['a cut before the first byte, for good', () => ({ kind: 'cut', after: 0 }), 'hub.offline', {}],
  ])('reports %s', async (_, fault, code, params) => {
    onFiles(fault);
    const { folder } = await open();
    const source = await folder.open(name);
    await expectGraftError(() => source.read(0, 100), code, params);
  });

  it.each<[string, Fault, ErrorCode, ErrorParams]>([
    ['another commit', { kind: 'otherCommit' }, 'hub.commit_changed', { repo }],
    ['a redirect to a file', { kind: 'redirect', to: 'file:///etc/passwd' }, 'hub.bad_redirect', {}],
    [
      'a redirect to itself',
      { kind: 'redirect', to: '' },
      'hub.bad_redirect',
      { detail: 'too many redirects' },
    ],
    ['a web page', { kind: 'html' }, 'hub.html_page', { file: name }],
    ['a missing file', { kind: 'status', status: 404 }, 'hub.file_not_found', { file: name }],
  ])('reports %s of the Hub itself', async (_, fault, code, params) => {
    const { folder } = await open();
    server.script = () => fault;
    const source = await folder.open(name);
    await expectGraftError(() => source.read(0, 100), code, params);
  });

  it('reports an unreachable server', async () => {
    const hub = new Hub({ endpoint: 'http://127.0.0.1:9', clock: testHub(server).clock });
    const resolve = () => resolveRepo(hub, { repo, revision: 'main' });
    await expectGraftError(resolve, 'hub.offline', { host: '127.0.0.1:9' });
  });

  it('stops when aborted, even while waiting', async () => {
    const stop = new AbortController();
    onFiles(() => ({ kind: 'stall', after: 10, stalled: () => stop.abort() }));
    const { hub, model } = await open();
    const source = await hubFolder(hub, model, stop.signal).open(name);
    expect(await caught(() => source.read(0, 100))).toMatchObject({ name: 'AbortError' });
  });
});

describe('resolving', () => {
  it.each<[string, (seen: SeenRequest) => Fault | undefined, ErrorCode]>([
    ['a web page', () => ({ kind: 'html' }), 'hub.html_page'],
    ['nonsense', () => ({ kind: 'redirect', to: `${server.filesOrigin}/` }), 'hub.refused'],
  ])('reports %s', async (_, fault, code) => {
    server.script = (seen) => (seen.origin === 'hub' ? fault(seen) : undefined);
    await expectGraftError(() => open(), code);
  });

  it('retries after 503 and truncated answers', async () => {
    server.script = ({ count }) => (count < 2 ? { kind: 'status', status: 503 } : undefined);
    expect((await open()).model.files.size).toBeGreaterThan(2);
  });

  it('reports what does not exist', async () => {
    await expectGraftError(() => open({}, 'no/such'), 'hub.unauthorized', { repo: 'no/such' });
    const token = { token: () => server.token, tokenForEndpoint: true };
    await expectGraftError(() => open(token, 'no/such'), 'hub.not_found', { repo: 'no/such' });
    const revision = 'v2';
    await expectGraftError(() => open({}, `${repo}@${revision}`), 'hub.revision_not_found', {
      repo,
      revision,
    });
  });

  it.each([
    '',
    'a/b/c',
    '../x',
    'a/..',
    'a b/c',
    'a/b@',
    'a/b@x@y',
    'a/b@../x',
    'a/b@x y',
    'http://x/y',
    '/a',
    'a/',
  ])('rejects the name “%s”', async (text) => {
    await expectGraftError(() => parseModelReference(text), 'hub.bad_reference', { text });
  });

  it.each(['ftp://x', 'x', 'https://u:p@x', 'https://x?y=1'])(
    'rejects the endpoint “%s”',
    async (endpoint) => {
      await expectGraftError(() => new Hub({ endpoint }), 'hub.bad_endpoint');
    },
  );
});

describe('the token', () => {
  const secrets = () => server.seen.map(({ origin, headers }) => [origin, headers.authorization]);

  it('opens a gated model, is sent with every request to the Hub, and with none to redirect targets', async () => {
    server.models.set(repo, { ...servedFolder(path), gated: true });
    await expectGraftError(() => open(), 'hub.gated', { repo });
    server.seen.length = 0;
    const { folder } = await open({ token: () => server.token, tokenForEndpoint: true });
    await (await folder.open(name)).read(0, weights.length);
    const bearer = `Bearer ${server.token}`;
    for (const [origin, header] of secrets()) expect(header).toBe(origin === 'hub' ? bearer : undefined);
    expect(secrets().some(([origin]) => origin === 'files')).toBe(true);
    expect(JSON.stringify(server.seen.filter(({ origin }) => origin === 'files'))).not.toContain(
      server.token,
    );
  });

  it('is not sent to an unofficial endpoint unless the user consents', async () => {
    server.models.set(repo, { ...servedFolder(path), private: true });
    const host = new URL(server.endpoint).host;
    await expectGraftError(() => open({ token: () => server.token }), 'hub.token_withheld', { host, repo });
    expect(secrets()).toEqual([['hub', undefined]]);
  });

  it('that is wrong, revoked or malformed is reported without revealing it', async () => {
    for (const token of ['hf_wrong', 'hf_a\nb', 'hf_ü']) {
      const settings = { token: () => token, tokenForEndpoint: true };
      const error = await caught(() => open(settings));
      expect(error).toMatchObject({ code: 'hub.token_refused' });
      expect(JSON.stringify([error, String((error as Error).stack)])).not.toContain(token);
    }
    server.models.set(repo, { ...servedFolder(path), gated: true });
    let token = server.token;
    const { folder } = await open({ token: () => token, tokenForEndpoint: true });
    token = 'hf_revoked';
    const source = await folder.open('config.json');
    await expectGraftError(() => source.read(0, 10), 'hub.token_refused', { repo });
  });
});
