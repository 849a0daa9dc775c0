import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { headerModel } from '../src/testing/headerModel.ts';
import { servedFolder } from '../src/testing/hub.ts';
import { HubServer, type SeenRequest } from '../src/testing/hubServer.ts';
import { robotStories } from '../src/testing/fixtures.ts';
import { writeRandomAdapter, writeTinyStories } from '../src/testing/tinyStories.ts';
import { accessibilityProblems } from '../src/testing/browsers/accessibility.ts';
import { openChromium } from '../src/testing/browsers/chromium.ts';
import { answerOf, downloadResult, OPEN, train, unzip } from '../src/testing/browsers/job.ts';
import type { Studio } from '../src/testing/browsers/studio.ts';

const stories = 'test/tiny-stories';
const gated = 'gate/stories';
const big = 'test/big';
const robots = 'test/robots';
/** Some 11 MB in bf16, so that a download has several parts. */
const bigConfig = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  vocab_size: 8000,
  hidden_size: 256,
  intermediate_size: 512,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 4,
  max_position_embeddings: 512,
  rms_norm_eps: 1e-5,
  rope_theta: 10000,
  tie_word_embeddings: false,
};
const recipe = { rank: 4, alpha: 8, lr: 5e-3, max_steps: 2, batch_size: 2, eval_fraction: 0 };

describe('models on the Hub in Chromium', () => {
  let hub: HubServer;
  let mirror: HubServer;
  let studio: Studio;
  let folder: string;
  let model: string;

  beforeAll(async () => {
    [hub, mirror] = await Promise.all([HubServer.start(), HubServer.start()]);
    const files = await contentsOf(headerModel(bigConfig, { data: true }));
    const rows = {
      'data/chat.parquet': await readFile('src/content/data/fixtures/chat-snappy.parquet'),
      'data/train.jsonl': await readFile(robotStories),
    };
    folder = await mkdtemp(join(tmpdir(), 'graft-hub-'));
    model = writeTinyStories(folder);
    await writeFile(join(model, 'NOTICE.md'), 'Made from /home/zoe/clients/stories.jsonl.');
    for (const server of [hub, mirror]) {
      server.models.set(stories, servedFolder(model));
      server.models.set(gated, { ...servedFolder(model), gated: true });
      server.models.set(`datasets/${robots}`, { files: rows, license: 'cc0-1.0' });
      server.models.set(big, { files, license: 'apache-2.0' });
    }
    studio = await openChromium(inject('studioUrl'));
    await studio.open();
    await studio.waitForText('WebGPU is ready', OPEN);
  });
  afterAll(async () => {
    await studio?.close();
    await Promise.all([hub.stop(), mirror.stop()]);
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(() => {
    hub.script = () => undefined;
    hub.seen.length = 0;
  });

  const click = (name: string, role = 'button') => studio.click({ role, name });
  const useEndpoint = async (endpoint: string) => {
    await studio.fill('Hub endpoint', endpoint);
    await click('Use this endpoint');
    await studio.waitForText(`From ${new URL(endpoint).host}`);
  };
  const lookUp = async (text: string) => {
    await studio.fill('Find a model', text);
    await click('Find');
  };
  const weightsOf = (seen: SeenRequest) => seen.path.endsWith('model.safetensors');

  it('is searched, and shows licence, revision, size and fit before any weights are downloaded', async () => {
    await studio.fill('GPU memory', '8');
    await studio.view('Model');
    await studio.screenshot('hub-1-start');
    expect(await accessibilityProblems(studio)).toEqual([]);
    expect(hub.seen).toEqual([]);
    await click('Connection');
    await useEndpoint(hub.endpoint);
    await lookUp('stories');
    await studio.waitForText('2 models for “stories”');
    await studio.screenshot('hub-2-found');
    expect(await accessibilityProblems(studio)).toEqual([]);
    await click(stories);
    const shown = await studio.waitForText(/Training with the recipe takes [^]*of 8 GB/);
    expect(shown).toMatch(/License\s+mit/);
    expect(shown).toContain(hub.commit(stories).slice(0, 8));
    expect(shown).toMatch(/To download\s+1\.0\d MB/);
    expect(shown).toMatch(/\bFits\b/);
    await studio.screenshot('hub-3-picked');
    expect(await accessibilityProblems(studio)).toEqual([]);
    const asked = hub.seen.filter(weightsOf);
    expect(asked.length).toBeGreaterThan(0);
    // The header's length and the header, in one block.
    expect(asked.filter(({ range }) => range !== 'bytes=0-65535')).toEqual([]);
  });

  it('is downloaded across cut connections and trained', async () => {
    await studio.view('Data');
    await click('Dataset from the Hub');
    await studio.fill('Dataset', robots);
    await click('List files');
    await studio.waitForText(/data\/train\.jsonl\s+71\.6 KB/);
    await studio.screenshot('hub-3b-data');
    expect(await accessibilityProblems(studio)).toEqual([]);
    await click('Use data/chat.parquet');
    await studio.waitForText('What is 0 plus 0?');
    await click('Use data/train.jsonl');
    await studio.waitForText('Zip was a little robot');
    await studio.waitForText('What the model sees');
    await studio.view('Train');
    await studio.waitForText('Download the model first');
    await studio.view('Model');
    const recipeFile = join(folder, 'recipe.json');
    await writeFile(recipeFile, JSON.stringify(recipe));
    await studio.setFiles('input[accept=".json,application/json"]', [recipeFile]);
    hub.script = (seen) =>
      seen.origin === 'files' && weightsOf(seen) && seen.count < 4
        ? { kind: 'cut', after: 300_000 }
        : undefined;
    await click('Download 1.06 MB');
    const shown = await studio.waitForText(/On this device\s+1\.0\d MB/);
    expect(shown).not.toContain('To download');
    await studio.view('Train');
    await studio.waitForText('About 2 steps over 240 rows.');
    await studio.view('Recipe');
    await click('Memory budget');
    await studio.waitForText('Everything stays on the GPU');
    await setBudget(studio, 0);
    await studio.waitForText(/1 of 5 layers is on the GPU at a time/);
    await studio.waitForText(/Weights\s+[\d.]+ KB/);
    await studio.screenshot('hub-3c-budget');
    expect(await accessibilityProblems(studio)).toEqual([]);
    await train(studio);
    await studio.waitForText('Trained 2 steps', OPEN);
    await studio.screenshot('hub-4-trained');
  });

  it('pushes the adapter and the merged model to the user’s repos, each in one commit with a card', async () => {
    await studio.view('Export');
    await click('Push to the Hub');
    await click('Connection');
    await studio.fill('Access token', hub.token);
    await click('Use token');
    await click(`Also send the token to ${new URL(hub.endpoint).host}`, 'switch');
    for (const [what, repo] of [
      ['Adapter', 'robots/zip-adapter'],
      ['Merged model, as configured above', 'robots/zip'],
    ] as const) {
      await studio.select('Push', what);
      await studio.fill('Repo', repo);
      await click('Push as one commit');
      if (what !== 'Adapter') {
        // A merged model has the base's own files.
        await studio.waitForText(
          '“NOTICE.md” holds a path of somebody’s machine, “/home/zoe/clients/stories.jsonl.”',
          OPEN,
        );
        await click('Push anyway');
      }
      await expect.poll(() => hub.uploads.commits.at(-1)?.repo, { timeout: OPEN }).toBe(repo);
      await studio.waitForText(`Pushed as commit ${hub.commit(repo).slice(0, 8)}`);
    }
    await studio.screenshot('hub-4b-pushed');
    expect(await accessibilityProblems(studio)).toEqual([]);
    expect(hub.uploads.commits).toHaveLength(2);
    const [adapter, merged] = ['robots/zip-adapter', 'robots/zip'].map((repo) => hub.models.get(repo)!);
    expect(adapter!.private).toBe(true);
    expect(Object.keys(adapter!.files)).toContain('adapter_model.safetensors');
    expect((merged!.files['model.safetensors'] as Uint8Array).length).toBeGreaterThan(1_000_000);
    for (const { files } of [adapter!, merged!]) {
      const card = Buffer.from(files['README.md'] as Uint8Array).toString();
      expect(card).toContain(`base_model: ${stories}\n`);
      expect(card).toContain('license: mit\ndatasets:\n- test/robots\n');
      expect(card).toContain(`${stories}) at commit \`${hub.commit(stories).slice(0, 12)}\``);
      expect(card).toContain('240 training rows');
    }
    const elsewhere = hub.seen.filter(({ origin }) => origin === 'files');
    expect(JSON.stringify(elsewhere)).not.toContain(hub.token);
    expect(await storedTexts(studio, hub.token)).toEqual([]);
  });

  it('is available after a reload, without the Hub', async () => {
    hub.script = () => ({ kind: 'status', status: 503 });
    await studio.open();
    await studio.waitForText('WebGPU is ready', OPEN);
    await studio.view('Model');
    await studio.waitForText(/On this device\s+1\.0\d MB/);
    expect(await answerOf(studio, 'base', 'Once upon a time')).not.toBe('');
    expect(hub.seen).toEqual([]);
  });

  it('in a gated repo asks for a token, which is sent only to the Hub', async () => {
    await studio.view('Model');
    await click('Choose another');
    await click('Connection');
    await lookUp(gated);
    await studio.waitForText(`“${gated}” is gated: its authors grant access.`);
    await studio.screenshot('hub-5-gated');
    await studio.fill('Access token', hub.token);
    await click('Use token');
    await studio.waitForText('token not sent');
    await lookUp(gated);
    await studio.waitForText('your token is sent only to the official Hub unless you allow it');
    expect(JSON.stringify(hub.seen)).not.toContain(hub.token);
    await click(`Also send the token to ${new URL(hub.endpoint).host}`, 'switch');
    await studio.waitForText(`${new URL(hub.endpoint).host}, with token`);
    // Signing in is hidden, since the Hub doesn't know the page.
    expect(await studio.text()).not.toContain('Sign in with Hugging Face');
    await studio.screenshot('hub-6-connection');
    expect(await accessibilityProblems(studio)).toEqual([]);
    await lookUp(gated);
    await studio.waitForText(/To download\s+1\.0\d MB/);
    await click('Download 1.06 MB');
    await studio.waitForText(/On this device\s+1\.0\d MB/);
    const elsewhere = hub.seen.filter(({ origin }) => origin === 'files');
    expect(elsewhere.length).toBeGreaterThan(0);
    expect(JSON.stringify(elsewhere)).not.toContain(hub.token);
    expect(await storedTexts(studio, hub.token)).toEqual([]);
    expect(await studio.text()).not.toContain(hub.token);

    await studio.view('Model');
    await click('Choose another');
    await click('Connection');
    await useEndpoint(mirror.endpoint);
    await lookUp(stories);
    await studio.waitForText(/To download\s+1\.0\d MB/);
    expect(mirror.seen.length).toBeGreaterThan(0);
    expect(JSON.stringify(mirror.seen)).not.toContain(hub.token);
  });

  it('is merged with an adapter by ranges, with no copy on this device', async () => {
    const adapter = join(folder, 'random-adapter');
    await mkdir(adapter);
    await writeRandomAdapter(model, adapter);
    await studio.dropFiles('h1', [adapter]);
    await studio.waitForText('rank 8, 35 modules');
    const zip = await downloadResult(studio, 'Download merged model');
    await studio.waitForText('Read back and verified');
    const merged = await readFile(join(await unzip(zip, folder), 'model.safetensors'));
    expect(merged.length).toBeGreaterThan(1_000_000);
    await studio.view('Model');
    await studio.waitForText(/To download\s+1\.0\d MB/);
    expect(await storedTexts(studio, new URL(mirror.endpoint).host.replace(':', '_'))).toEqual([]);
  });

  it('can be cancelled and resumed, and deleted', async () => {
    const size = (hub.models.get(big)!.files['model.safetensors'] as Uint8Array).length;
    await studio.view('Model');
    await click('Choose another');
    await click('Connection');
    await useEndpoint(hub.endpoint);
    await lookUp(big);
    await studio.waitForText(/To download\s+10\.8 MB/);
    hub.script = (seen) => (weightsOf(seen) ? { kind: 'stall', after: 700_000 } : undefined);
    const release = await holdDownload(studio, new URL(hub.endpoint).host, big);
    await click('Download 10.8 MB');
    await studio.waitForText(`Another tab is downloading ${big}; waiting for it.`);
    expect(hub.seen.filter(({ range, begin }) => range !== undefined && begin > 0)).toEqual([]);
    await release();
    await studio.waitForText(/Downloading test\/big\s+[^]*[1-9][\d.]* MB of 10\.8 MB/);
    await studio.screenshot('hub-7-downloading');
    await click('Cancel');
    await studio.waitForText('Stopped. The download resumes from here.');
    hub.script = () => undefined;
    const before = hub.bytesSent;
    await click('Resume download');
    await studio.waitForText(/On this device\s+10\.8 MB/);
    expect(hub.bytesSent - before).toBeLessThan(size - 500_000);

    await click('Storage');
    await studio.waitForText('in use');
    await studio.screenshot('hub-8-storage');
    expect(await accessibilityProblems(studio)).toEqual([]);
    await click(`Delete ${gated}`);
    await studio.waitForText(`Delete ${gated}?`);
    await click('Delete');
    await studio.waitForText(/^(?![^]*gate\/stories)[^]*in use/);
    await studio.open();
    await studio.view('Model');
    await click('Choose another');
    await studio.waitForText(stories);
    expect(await studio.text()).not.toContain(gated);
  });

  it('looks right in the dark and on a phone', async () => {
    await studio.resize(390, 844);
    await studio.screenshot('hub-9-phone');
    await lookUp('stories');
    await studio.waitForText('2 models for “stories”');
    await click(stories);
    await studio.waitForText(/On this device\s+1\.0\d MB/);
    await studio.colorScheme('dark');
    await studio.screenshot('hub-10-phone-dark');
    expect(await overflowing(studio)).toBe(false);
    await studio.resize(1280, 900);
    await studio.screenshot('hub-11-dark');
    expect(await accessibilityProblems(studio)).toEqual([]);
  });
});

/** Moves the slider of the memory budget to a position, as a key would. */
function setBudget(studio: Studio, position: number): Promise<void> {
  return studio.evaluate((value) => {
    const input = document.querySelector<HTMLInputElement>('.budget input[type="range"]')!;
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')!.set!.call(input, String(value));
    for (const type of ['input', 'change']) input.dispatchEvent(new Event(type, { bubbles: true }));
  }, position);
}

/** Takes the download lock, like another tab downloading the same model; returns its release function. */
async function holdDownload(studio: Studio, host: string, repo: string): Promise<() => Promise<void>> {
  const name = `graft:${host.replace(':', '_')}--models--${repo.replace('/', '--')}`;
  await studio.evaluate(
    (lock) =>
      new Promise<void>((held) => {
        void navigator.locks.request(lock, async () => {
          held();
          await new Promise((release) => window.addEventListener('release', release, { once: true }));
        });
      }),
    name,
  );
  return () => studio.evaluate(() => void window.dispatchEvent(new Event('release')), null);
}

/** The bytes of a folder's files by name. */
async function contentsOf(source: ReturnType<typeof headerModel>): Promise<Record<string, Uint8Array>> {
  const files: Record<string, Uint8Array> = {};
  for (const name of await source.list()) {
    const file = await source.open(name);
    files[name] = await file.read(0, file.size);
  }
  return files;
}

/** Whether the page is wider than its window. */
function overflowing(studio: Studio): Promise<boolean> {
  return studio.evaluate(
    () => document.documentElement.scrollWidth > document.documentElement.clientWidth,
    null,
  );
}

/** Where a text occurs in the page's storage: OPFS files, local and session storage, databases, caches. */
function storedTexts(studio: Studio, text: string): Promise<string[]> {
  return studio.evaluate(async (wanted) => {
    const found: string[] = [];
    const search = async (directory: FileSystemDirectoryHandle, path: string): Promise<number> => {
      let files = 0;
      for await (const [name, entry] of directory.entries()) {
        if (entry.kind === 'directory') {
          files += await search(entry as FileSystemDirectoryHandle, `${path}/${name}`);
          continue;
        }
        files += 1;
        const file = await (entry as FileSystemFileHandle).getFile();
        const bytes = new Uint8Array(await file.arrayBuffer());
        if (`${path}/${name}`.includes(wanted) || new TextDecoder('latin1').decode(bytes).includes(wanted)) {
          found.push(`${path}/${name}`);
        }
      }
      return files;
    };
    if ((await search(await navigator.storage.getDirectory(), '')) === 0) found.push('nothing was searched');
    for (const storage of [localStorage, sessionStorage]) {
      if (JSON.stringify(storage).includes(wanted)) found.push('web storage');
    }
    // The cached page itself, for offline use.
    for (const name of await caches.keys()) {
      const cache = await caches.open(name);
      for (const request of await cache.keys()) {
        const cached = await (await cache.match(request))?.arrayBuffer();
        const bytes = new TextDecoder('latin1').decode(cached);
        if (request.url.includes(wanted) || bytes.includes(wanted)) found.push(`cache ${request.url}`);
      }
    }
    // Graft uses no databases or cookies: nothing to search.
    for (const { name } of await indexedDB.databases()) found.push(`database ${name}`);
    if (document.cookie !== '') found.push('a cookie');
    if (location.href.includes(wanted)) found.push('the address');
    return found;
  }, text);
}
