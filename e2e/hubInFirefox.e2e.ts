import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { servedFolder } from '../src/testing/hub.ts';
import { HubServer } from '../src/testing/hubServer.ts';
import { writeTinyStories } from '../src/testing/tinyStories.ts';
import { openFirefox } from '../src/testing/browsers/firefox.ts';
import { OPEN } from '../src/testing/browsers/job.ts';
import type { Studio } from '../src/testing/browsers/studio.ts';

const repo = 'test/tiny-stories';

describe('a model on the Hub in Firefox', () => {
  let hub: HubServer;
  let studio: Studio;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'graft-hub-'));
    hub = await HubServer.start({ [repo]: servedFolder(writeTinyStories(folder)) });
    studio = await openFirefox(inject('studioUrl'));
    await studio.open();
    await studio.waitForText('WebGPU is ready', OPEN);
  });
  afterAll(async () => {
    await studio?.close();
    await hub.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('is looked up, downloaded, and available after a reload', async () => {
    await studio.view('Model');
    await studio.click({ role: 'button', name: 'Connection' });
    await studio.fill('Hub endpoint', hub.endpoint);
    await studio.click({ role: 'button', name: 'Use this endpoint' });
    await studio.waitForText(`From ${new URL(hub.endpoint).host}`);
    await studio.fill('Find a model', repo);
    await studio.click({ role: 'button', name: 'Find' });
    await studio.waitForText(/To download\s+1\.06 MB/);
    await studio.click({ role: 'button', name: 'Download 1.06 MB' });
    await studio.waitForText(/On this device\s+1\.06 MB/);
    hub.seen.length = 0;
    await studio.open();
    await studio.waitForText('WebGPU is ready', OPEN);
    await studio.view('Model');
    await studio.waitForText(/Layers\s+5/);
    expect(hub.seen).toEqual([]);
    expect(studio.problems).toEqual([]);
  });
});
