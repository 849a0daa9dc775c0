import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { changesIn, fail, killAtChange, runCli, scratchFolder, succeed } from '../../../testing/cli.ts';
import { servedFolder } from '../../../testing/hub.ts';
import { HubServer } from '../../../testing/hubServer.ts';
import { robotStories } from '../../../testing/fixtures.ts';
import { writeTinyStories } from '../../../testing/tinyStories.ts';

const scratch = scratchFolder();
const repo = 'test/tiny-stories';
const path = writeTinyStories(scratch);
let server: HubServer;
let caches = 0;

beforeAll(async () => {
  server = await HubServer.start();
});
afterAll(() => server.stop());
beforeEach(() => {
  server.models.clear();
  server.models.set(repo, servedFolder(path));
  server.script = () => undefined;
  server.seen.length = 0;
});

const newCache = () => ({ GRAFT_CACHE: join(scratch, `cache${(caches += 1)}`), HF_TOKEN: '' });
const at = () => ['--endpoint', server.endpoint];
const downloads = () => server.seen.filter(({ origin }) => origin === 'files').length;
const plain = { model: path, text: ['--prompt', 'Once upon a time', '--max-new-tokens', '8', '--raw'] };

describe('a model of a Hub', () => {
  it('is fetched once, with its licence and progress on stderr, and generates as the folder does', async () => {
    const env = newCache();
    const { status, stdout, stderr } = await runCli(['fetch', `hf:${repo}`, ...at()], env);
    expect({ status, stderr }).toMatchObject({ status: 0 });
    expect(stderr).toMatch(
      /^test\/tiny-stories at [0-9a-f]{12}: 1\.06 MB, license mit\n(?:.* % of .*\n)*100 % of 1\.06 MB/,
    );
    const names = readdirSync(path).sort();
    const sizes = names.map((file) => [file, statSync(join(path, file)).size]);
    expect(JSON.parse(stdout)).toEqual({ model: repo, files: Object.fromEntries(sizes) as unknown });
    const before = downloads();
    const model = ['--model', `hf:${repo}`, ...at()];
    const answer = await succeed(['generate', ...model, ...plain.text], env);
    expect(answer).toBe(await succeed(['generate', '--model', path, ...plain.text]));
    expect(downloads()).toBe(before);
  });

  it('is read in 4 bits from what the first run has left, which goes with the model', async () => {
    const env = newCache();
    const model = ['--model', `hf:${repo}`, ...at()];
    const quantized = ['--quant', 'nf4', '--double-quant'];
    const expected = await succeed(['generate', '--model', path, ...quantized, ...plain.text]);
    const stored = async () =>
      JSON.parse(await succeed(['cache'], env)) as { quantized: { complete: boolean; lastUsed: number }[] }[];
    expect(await succeed(['generate', ...model, ...quantized, ...plain.text], env)).toBe(expected);
    expect((await stored())[0]!.quantized).toMatchObject([
      { complete: true, doubleQuant: true, lastUsed: 0 },
    ]);
    expect(await succeed(['generate', ...model, ...quantized, ...plain.text], env)).toBe(expected);
    expect((await stored())[0]!.quantized[0]!.lastUsed).toBeGreaterThan(0);
    await succeed(['cache', '--remove', repo], env);
    expect(await stored()).toEqual([]);
    expect(readdirSync(join(env.GRAFT_CACHE, 'quantized'))).toEqual([]);
  });

  it('is planned from its headers by range, and nothing is stored', async () => {
    const env = newCache();
    const { status, stdout, stderr } = await runCli(['plan', '--model', `hf:${repo}@main`, ...at()], env);
    expect({ status, stderr }).toMatchObject({ status: 0 });
    expect(stdout).toBe(await succeed(['plan', '--model', path]));
    expect(stderr).toMatch(/^test\/tiny-stories at [0-9a-f]{12}: read \d+\.?\d* kB\.$/m);
    expect(downloads()).toBe(1);
    expect(existsSync(env.GRAFT_CACHE)).toBe(false);
  });

  it('is used from the cache when the Hub cannot be reached, by its commit without asking', async () => {
    const env = newCache();
    const other = await HubServer.start({ [repo]: servedFolder(path) });
    const commit = other.commit(repo);
    const model = ['--model', `hf:${repo}`, '--endpoint', other.endpoint];
    await succeed(['fetch', `hf:${repo}`, '--endpoint', other.endpoint], env);
    other.script = () => ({ kind: 'status', status: 503, headers: { 'Retry-After': '0' } });
    other.seen.length = 0;
    const pinned = ['--model', `hf:${repo}@${commit}`, '--endpoint', other.endpoint];
    const answer = await succeed(['generate', ...pinned, ...plain.text], env);
    expect(other.seen).toEqual([]);
    await other.stop();
    const offline = await runCli(['generate', ...model, ...plain.text], env);
    expect(offline).toMatchObject({ status: 0, stdout: answer });
    expect(offline.stderr).toContain(`cannot be reached; using ${repo} as downloaded at commit ${commit}.`);
  });

  it('whose download is killed again and again arrives right, with little fetched twice', async () => {
    const env = newCache();
    const size = 30_000_000;
    const big = Buffer.alloc(size);
    for (let at = 0; at < size; at += 4) big.writeUInt32LE(Math.imul(at + 1, 2654435761) >>> 0, at);
    server.models.set('org/big', { files: { 'config.json': '{}', 'model.safetensors': big } });
    const args = ['fetch', 'hf:org/big', ...at()];
    const whole = newCache();
    const { length: changes } = await changesIn(args, whole.GRAFT_CACHE, whole);
    let before = 0;
    for (const share of [0.1, 0.25, 0.3, 0.55, 0.7, 0.9]) {
      const number = Math.round((share - before) * changes);
      expect((await killAtChange(args, env.GRAFT_CACHE, number, env)).status).toBe(null);
      before = share;
    }
    server.seen.length = 0;
    const files = JSON.parse(await succeed(args, env)) as { files: object };
    expect(files.files).toMatchObject({ 'model.safetensors': size });
    const blob = allFiles(env.GRAFT_CACHE).find((file) => statSync(file).size === size)!;
    expect(readFileSync(blob).equals(big)).toBe(true);
    // A tenth is left, and what was lost at each kill: pieces on their way.
    const ranges = server.seen.filter(({ origin }) => origin === 'files').map(({ range }) => range ?? '');
    const lengths = ranges.map((range) => {
      const [, from = 0, to = size] = /^bytes=(\d+)-(\d+)$/.exec(range) ?? [];
      return Number(to) + 1 - Number(from);
    });
    const asked = lengths.reduce((sum, length) => sum + length, 0);
    expect(asked / size).toBeGreaterThan(0.05);
    expect(asked / size).toBeLessThan(0.15);
  });

  it('that is gated tells how to get it, and the token is in no file, output or request elsewhere', async () => {
    server.models.set(repo, { ...servedFolder(path), gated: true });
    const env = newCache();
    const model = ['fetch', `hf:${repo}`, ...at()];
    expect(await fail(model, env)).toMatch(/^“test\/tiny-stories” is gated: its authors grant access\./);
    const withToken = { ...env, HF_TOKEN: server.token };
    expect(await fail(model, withToken)).toContain(
      'your token is sent only to the official Hub unless you allow it',
    );
    expect(JSON.stringify(server.seen)).not.toContain(server.token);
    const wrong = await fail([...model, '--token-for-endpoint'], { ...env, HF_TOKEN: 'hf_wrongToken' });
    expect(wrong).toContain('rejected the token');
    expect(wrong).not.toContain('hf_wrongToken');
    const { status, stdout, stderr } = await runCli([...model, '--token-for-endpoint'], withToken);
    expect({ status, stderr }).toMatchObject({ status: 0 });
    expect(stdout + stderr).not.toContain(server.token);
    for (const { headers } of server.seen.filter(({ origin }) => origin === 'files')) {
      expect(JSON.stringify(headers)).not.toContain(server.token);
    }
    for (const file of allFiles(env.GRAFT_CACHE))
      expect(readFileSync(file).includes(server.token)).toBe(false);
  });

  it('and its options that are wrong are told', async () => {
    const env = newCache();
    expect(await fail(['fetch', ...at()], env)).toContain(
      'The first argument must be a model on a Hub, hf:org/name.',
    );
    expect(await fail(['fetch', 'hf:../x', ...at()], env)).toContain('“hf:../x” is not a repo id.');
    expect(await fail(['fetch', `hf:${repo}`, '--endpoint', 'x'], env)).toContain(
      'is not a valid Hub endpoint',
    );
    expect(await fail(['plan', '--model', path, ...at()])).toContain(
      '--endpoint requires a model or dataset on a Hub',
    );
    expect(await fail(['plan', '--model', `hf:${repo}@v9`, ...at()], env)).toContain(
      'has no branch, tag or commit “v9”.',
    );
    expect(await fail(['plan', '--model', `hf:${repo}`, '--token-for-endpoint'], env)).toContain(
      '--token-for-endpoint requires --endpoint.',
    );
  });
});

function allFiles(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true }) as string[];
  return names.map((file) => join(folder, file)).filter((file) => statSync(file).isFile());
}

describe('a data file of a Hub', () => {
  it('trains as the file does, and both are in the cache, from which they go', async () => {
    const env = newCache();
    const jsonl = join(scratch, 'zip.jsonl');
    const rows = readFileSync(robotStories, 'utf8').split('\n').slice(0, 30);
    writeFileSync(jsonl, rows.join('\n'));
    server.models.set('datasets/robots/stories', { files: { 'data/zip.jsonl': readFileSync(jsonl) } });
    const model = ['--model', `hf:${repo}`, ...at()];
    const data = ['--data', 'hf:datasets/robots/stories/data/zip.jsonl'];
    const loss = await succeed(['eval', ...model, ...data], env);
    expect(loss).toBe(await succeed(['eval', '--model', path, '--data', jsonl]));
    const stored = JSON.parse(await succeed(['cache'], env)) as { repo: string; bytes: number }[];
    expect(stored.map((one) => one.repo).sort()).toEqual(['datasets/robots/stories', repo]);
    for (const one of stored) await succeed(['cache', '--remove', one.repo], env);
    expect(JSON.parse(await succeed(['cache'], env))).toEqual([]);
    expect(await fail(['cache', '--remove', repo], env)).toContain('is not in the cache');
  });
});

describe('push', () => {
  const zip = 'robots/zip';
  const token = { HF_TOKEN: 'hf_secretForTests0123456789' };
  const to = () => ['--repo', zip, ...at(), '--token-for-endpoint'];

  it('sends a model as one commit, private unless told, and a second time changes nothing', async () => {
    const outcome = JSON.parse(await succeed(['push', '--dir', path, ...to()], token)) as object;
    expect(outcome).toMatchObject({ commit: server.commit(zip), removed: [] });
    expect(server.models.get(zip)?.private).toBe(true);
    for (const file of readdirSync(path)) {
      expect(Buffer.from(server.models.get(zip)!.files[file] as Uint8Array)).toEqual(
        readFileSync(join(path, file)),
      );
    }
    await succeed(['push', '--dir', path, ...to()], token);
    expect(server.uploads.commits.map(({ repo: pushed }) => pushed)).toEqual([zip]);
  });

  it('refuses a folder that holds nothing to push, and wants a token', async () => {
    expect(await fail(['push', '--dir', dirname(robotStories), ...to()], token)).toContain(
      'neither an adapter',
    );
    expect(await fail(['push', '--dir', path, ...to()], { HF_TOKEN: '' })).toContain('requires a token');
  });
});
