import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ModelCache } from '../../content/hub/modelCache.ts';
import { GraftError } from '../../base/lib/errors.ts';
import { MemoryDirectory } from '../../base/storage/memoryDirectory.ts';
import { servedFolder } from '../../testing/hub.ts';
import { HubServer } from '../../testing/hubServer.ts';
import { scratchFolder } from '../../testing/cli.ts';
import { writeTinyStories } from '../../testing/tinyStories.ts';
import { serviceClient, noCache } from '../../testing/workers.ts';
import { textInThread } from '../../content/guard/textInThread.ts';
import { createDataService } from '../../hosts/browser/dataService.ts';
import { createEngineService } from '../../hosts/browser/engineService.ts';
import { createHubService } from '../../hosts/browser/hubService.ts';
import type { HubApi } from '../../hosts/browser/hubProtocol.ts';
import type { DataApi } from '../../hosts/browser/dataProtocol.ts';
import type { EngineApi } from '../../hosts/browser/protocol.ts';
import { isReference } from './hub.ts';
import { Metrics } from './metrics.ts';
import { blockReason, isRemote, stepStatus } from './steps.ts';
import { createStudio } from './studio.ts';
import { freeLocks } from '../../testing/freeLocks.ts';

const repo = 'test/tiny-stories';
const path = writeTinyStories(scratchFolder());
let server: HubServer;
const ports: MessagePort[] = [];

beforeAll(async () => {
  server = await HubServer.start();
});
afterAll(async () => {
  for (const port of ports) port.close();
  await server.stop();
});
beforeEach(() => {
  server.models.clear();
  server.models.set(repo, servedFolder(path));
  server.script = () => undefined;
  server.seen.length = 0;
});

/** The page's store over services in this thread, the reading ones linked to the hub's as workers are. */
async function openStudio(openCache: () => Promise<ModelCache> = noCache) {
  const [engineService, dataService] = [createEngineService(), createDataService(textInThread)];
  const hubService = createHubService(openCache, {}, async () => null);
  for (const service of [engineService, dataService]) {
    const { port1, port2 } = new MessageChannel();
    ports.push(port1, port2);
    await hubService.serve(port1);
    await service.connectHub(port2);
  }
  const hub = serviceClient<HubApi>(hubService);
  const engine = serviceClient<EngineApi>(engineService);
  const workers = { engine, data: serviceClient<DataApi>(dataService), hub };
  const studio = createStudio({ workers, metrics: new Metrics() });
  studio.setState({ device: { status: 'ready', report: null, error: null } });
  await studio.getState().configureHub({ endpoint: server.endpoint });
  return { studio, hub };
}

function memoryCache(): () => Promise<ModelCache> {
  const cache = new ModelCache(new MemoryDirectory('hub'), freeLocks);
  return async () => cache;
}

describe('models of a Hub in the store', () => {
  it('are found by search and by name', async () => {
    expect(['org/name', 'hf:gpt2', 'gpt2@main', 'https://huggingface.co/a/b'].every(isReference)).toBe(true);
    expect(isReference('robot stories')).toBe(false);
    const { studio } = await openStudio();
    await studio.getState().findModel(' stories ');
    expect(studio.getState().hub.found).toMatchObject({ query: 'stories', models: [{ repo }] });
    expect(studio.getState().model.status).toBe('none');
    await studio.getState().findModel(repo);
    expect(studio.getState().model).toMatchObject({ status: 'ready', hub: { repo, license: 'mit' } });
  });

  it('open with tokenizer and headers, but must be downloaded before training', async () => {
    const { studio } = await openStudio();
    await studio.getState().pickModel(repo);
    const state = studio.getState();
    expect(state.model).toMatchObject({ source: { kind: 'hub' }, tokenizer: 'fallback' });
    expect(state.model.summary).toMatchObject({ name: 'tiny-stories', parameters: 260_032 });
    expect(isRemote(state)).toBe(true);
    expect(stepStatus(state, 'model')).toBe('current');
    const file = new File(['{"prompt":"Who is Zip?","completion":"A robot."}\n'], 'rows.jsonl');
    await state.openDataset({ kind: 'file', file });
    expect(blockReason(studio.getState(), 'train')).toBe('notDownloaded');
    const weights = server.seen.filter(({ path }) => path.endsWith('model.safetensors'));
    expect(weights.every(({ range }) => range === 'bytes=0-65535')).toBe(true);
  });

  it('leave the previous model open if one can’t be opened, and report why', async () => {
    const { studio } = await openStudio();
    await studio.getState().pickModel(repo);
    server.models.set('gate/model', { files: {}, gated: true });
    await studio.getState().pickModel('gate/model');
    const { hub, model } = studio.getState();
    expect(hub).toMatchObject({ error: { code: 'hub.gated' }, lookingUp: null });
    expect(model).toMatchObject({ status: 'ready', hub: { repo } });
  });

  it('can be inspected if the browser denies storage; a download reports the error', async () => {
    const { studio } = await openStudio();
    await studio.getState().pickModel(repo);
    await studio.getState().refreshStorage();
    expect(studio.getState().stored.error?.code).toBe('storage.opfs_denied');
    await studio.getState().downloadModel();
    expect(studio.getState().download).toMatchObject({
      status: 'failed',
      error: { code: 'storage.opfs_denied' },
    });
    expect(studio.getState().model.status).toBe('ready');
  });

  it('are listed with other stored data, and removed after confirmation', async () => {
    const openCache = memoryCache();
    const { studio } = await openStudio(openCache);
    await studio.getState().pickModel(repo);
    const facts = studio.getState().model.hub!;
    const { hub } = await openStudio(openCache);
    await hub.call.download(
      facts,
      () => undefined,
      () => undefined,
    );
    await studio.getState().refreshStorage();
    const [stored] = studio.getState().stored.report!.repos;
    expect(stored).toMatchObject({ repo, models: [{ commit: facts.commit }] });
    studio.getState().removeStored(facts.host, repo, stored!.bytes);
    expect(studio.getState().question).toMatchObject({ kind: 'remove', repo });
    studio.getState().answerQuestion(false);
    await studio.getState().refreshStorage();
    expect(studio.getState().stored.report!.repos).toHaveLength(1);
    studio.getState().removeStored(facts.host, repo, stored!.bytes);
    studio.getState().answerQuestion(true);
    await expect.poll(() => studio.getState().stored.report!.repos.length).toBe(0);
  });

  it('never put the token into the page’s state, nor reuse consent given for another address', async () => {
    const { studio, hub } = await openStudio();
    await studio.getState().setToken(server.token);
    await studio.getState().configureHub({ tokenForEndpoint: true });
    expect(studio.getState().hub).toMatchObject({ hasToken: true, choice: { tokenForEndpoint: true } });
    expect(JSON.stringify(studio.getState())).not.toContain(server.token);
    expect(await studio.getState().configureHub({ endpoint: 'ftp://other' })).toBe(false);
    expect(studio.getState().hub).toMatchObject({
      settingsError: { code: 'hub.bad_endpoint' },
      choice: { endpoint: server.endpoint, tokenForEndpoint: true },
    });
    expect(await studio.getState().configureHub({ endpoint: 'https://mirror.example' })).toBe(true);
    expect(studio.getState().hub.choice.tokenForEndpoint).toBe(false);
    hub.restart(new GraftError('workers.crashed', { worker: 'hub', reason: 'test' }));
    expect(studio.getState().hub).toMatchObject({
      hasToken: false,
      settingsError: { code: 'workers.crashed' },
    });
  });
});
