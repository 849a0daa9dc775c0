import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../base/lib/errors.ts';
import { caught, expectGraftError } from '../../testing/errors.ts';
import { testHub } from '../../testing/hub.ts';
import { HubServer, type Fault, type SeenRequest } from '../../testing/hubServer.ts';
import type { HubSettings } from './hub.ts';
import { pushFiles, type PushOptions, type PushProgress } from './push.ts';

const repo = 'robots/zip';
/** Several parts, the last incomplete. */
const large = new Uint8Array(200_000).map((_, at) => at * 7 + (at >> 8));
const contents: Record<string, Uint8Array<ArrayBuffer> | string> = {
  'adapter_config.json': '{"peft_type": "LORA"}',
  'README.md': '---\nlicense: mit\n---\n# 机器人',
  'adapter_model.safetensors': large,
};
const files = new Map(Object.entries(contents).map(([name, bytes]) => [name, new Blob([bytes])]));
let server: HubServer;

beforeEach(async () => {
  server = await HubServer.start();
});
afterEach(() => server.stop());

const push = (settings: HubSettings = {}, options: Partial<PushOptions> = {}, given = files) => {
  const { hub } = testHub(server, { token: () => server.token, tokenForEndpoint: true, ...settings });
  return pushFiles(hub, repo, given, { private: true, title: 'Adapter by Graft', ...options });
};
const served = (): Record<string, string> =>
  Object.fromEntries(
    Object.entries(server.models.get(repo)!.files).map(([name, bytes]) => [
      name,
      Buffer.from(bytes as Uint8Array).toString('base64'),
    ]),
  );
const wanted = Object.fromEntries(
  Object.entries(contents).map(([name, bytes]) => [
    name,
    Buffer.from(bytes as Uint8Array).toString('base64'),
  ]),
);
const onWrites = (fault: (seen: SeenRequest) => Fault | undefined): void => {
  server.script = (seen) => (seen.method === 'GET' ? undefined : fault(seen));
};
const isCommit = ({ path }: SeenRequest): boolean => path.endsWith('/commit/main');

describe('a push', { timeout: 60_000 }, () => {
  it('creates the repo and one commit with every file unchanged', async () => {
    const heard: PushProgress[] = [];
    const outcome = await push({}, { onProgress: (progress) => heard.push(progress) });
    expect(served()).toMatchObject(wanted);
    expect(server.models.get(repo)).toMatchObject({ private: true });
    expect(server.uploads.commits).toEqual([
      { repo, summary: 'Adapter by Graft', parent: expect.any(String), commit: outcome.commit },
    ]);
    expect(outcome).toMatchObject({ commit: server.commit(repo), removed: [] });
    expect(new Set(heard.map(({ phase }) => phase))).toEqual(
      new Set(['preparing', 'hashing', 'uploading', 'committing']),
    );
    for (const { done, total } of heard) expect(done).toBeLessThanOrEqual(total);
  });

  it('sends the token only to the Hub', async () => {
    await push();
    const elsewhere = server.seen.filter(({ origin }) => origin === 'files');
    expect(elsewhere.length).toBeGreaterThan(3);
    for (const { headers } of elsewhere) expect(JSON.stringify(headers)).not.toContain(server.token);
    const here = server.seen.filter(({ origin, method }) => origin === 'hub' && method !== 'GET');
    for (const { headers } of here) expect(headers.authorization).toBe(`Bearer ${server.token}`);
  });

  it('repeated without changes makes no second commit', async () => {
    await push();
    const { sent } = server.uploads;
    const before = sent.length;
    await push();
    expect(server.uploads.commits).toHaveLength(1);
    expect(sent).toHaveLength(before);
  });

  it.each([
    ['before the commit was taken', 0],
    ['after it was taken, and only its answer lost', 1],
  ])('cut %s ends in exactly one commit', async (_, after) => {
    onWrites((seen) => (isCommit(seen) && seen.count === 0 ? { kind: 'cut', after } : undefined));
    await push();
    expect(server.uploads.commits).toHaveLength(1);
    expect(served()).toMatchObject(wanted);
  });

  it('cut in each of its requests, before and after it was applied, results in one commit', async () => {
    onWrites(({ count }) => (count < 2 ? { kind: 'cut', after: count } : undefined));
    await push();
    expect(server.uploads.commits).toHaveLength(1);
    expect(served()).toMatchObject(wanted);
    // Only a part whose answer was lost is sent again.
    expect(server.uploads.sent.reduce((sum, size) => sum + size, 0)).toBeLessThan(2 * large.length);
  });

  it('aborted before the commit leaves none, and later resumes without sending files twice', async () => {
    onWrites((seen) => (isCommit(seen) ? { kind: 'status', status: 503 } : undefined));
    await expectGraftError(() => push(), 'hub.unavailable');
    expect(server.uploads.commits).toHaveLength(0);
    const before = server.uploads.sent.length;
    server.script = () => undefined;
    await push();
    expect(server.uploads.commits).toHaveLength(1);
    expect(server.uploads.sent).toHaveLength(before);
  });

  it('removes top-level weights of another model, and reports them', async () => {
    const old = {
      'model-00001-of-00002.safetensors': large,
      'model.safetensors.index.json': '{}',
      'a.md': 'a',
    };
    server.models.set(repo, { files: old });
    const { removed } = await push();
    expect(removed).toEqual(['model-00001-of-00002.safetensors', 'model.safetensors.index.json']);
    expect(Object.keys(server.models.get(repo)!.files).sort()).toEqual([...files.keys(), 'a.md'].sort());
    expect(server.uploads.commits).toHaveLength(1);
  });

  it('over a concurrent change is rejected, and changes nothing', async () => {
    server.models.set(repo, { files: { 'a.md': 'a' } });
    onWrites((seen) => {
      if (isCommit(seen)) server.models.set(repo, { files: { 'a.md': 'b' } });
      return undefined;
    });
    await expectGraftError(() => push(), 'hub.push_conflict', { repo });
    expect(Object.keys(server.models.get(repo)!.files)).toEqual(['a.md']);
  });

  it('is cancelled at once', async () => {
    const stop = new AbortController();
    onWrites(({ path }) => {
      if (path === '/upload') stop.abort(new Error('cancelled'));
      return undefined;
    });
    const error = await caught(() => push({}, { signal: stop.signal }));
    expect(error).toMatchObject({ message: 'cancelled' });
    expect(server.uploads.commits).toHaveLength(0);
  });

  it.each([
    ['without a token', { token: () => null }, 'hub.push_no_token'],
    ['with a withheld token', { tokenForEndpoint: false }, 'hub.token_withheld'],
    ['with a wrong token', { token: () => 'hf_wrong' }, 'hub.token_refused'],
  ] satisfies [string, HubSettings, ErrorCode][])('%s is refused by name', async (_, settings, code) => {
    await expectGraftError(() => push(settings), code, { repo });
    expect(server.models.size).toBe(0);
  });

  it('that the Hub forbids is reported as such', async () => {
    onWrites((seen) => (isCommit(seen) ? { kind: 'status', status: 403 } : undefined));
    await expectGraftError(() => push(), 'hub.push_forbidden', { repo });
  });
});
