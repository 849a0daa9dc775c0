import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { servedFolder } from '../src/testing/hub.ts';
import { HubServer } from '../src/testing/hubServer.ts';
import { sharedPath } from '../src/testing/shared.ts';
import { openFirefox } from './harness/firefox.ts';
import { OPEN } from './harness/job.ts';
import type { Studio } from './harness/studio.ts';

const repo = 'karpathy/stories260k';

describe('a model of the Hub in Firefox', { timeout: OPEN }, () => {
  let hub: HubServer;
  let studio: Studio;

  beforeAll(async () => {
    hub = await HubServer.start({ [repo]: servedFolder(sharedPath('models/stories260k')) });
    studio = await openFirefox(inject('studioUrl'));
    await studio.open();
    await studio.waitForText('WebGPU is ready', OPEN);
  });
  afterAll(async () => {
    await studio?.close();
    await hub.stop();
  });

  it('is looked up, downloaded, and there after a reload', async () => {
    await studio.click({ role: 'button', name: 'Connection' });
    await studio.fill('Address of the Hub', hub.endpoint);
    await studio.click({ role: 'button', name: 'Use this address' });
    await studio.waitForText(`From ${new URL(hub.endpoint).host}`);
    await studio.fill('Find a model', repo);
    await studio.click({ role: 'button', name: 'Find' });
    await studio.waitForText(/To download\s+1\.06 MB/);
    await studio.click({ role: 'button', name: 'Download 1.06 MB' });
    await studio.waitForText(/On this device\s+1\.06 MB/);
    await studio.open();
    await studio.waitForText('WebGPU is ready', OPEN);
    hub.seen.length = 0;
    await studio.click({ role: 'button', name: `Use ${repo}` });
    await studio.waitForText(/Layers\s+5/);
    expect(hub.seen).toEqual([]);
    expect(studio.problems).toEqual([]);
  });
});
