import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openWorkerPage, type WorkerPage } from '../../testing/browsers/workerPage.ts';

const entry = fileURLToPath(new URL('../../testing/opfsWorker.ts', import.meta.url));

describe.each(['chromium', 'firefox'] as const)('an OPFS file in a worker of %s', (browser) => {
  let worker: WorkerPage;
  beforeAll(async () => {
    worker = await openWorkerPage(entry, browser);
  });
  afterAll(async () => worker?.close());

  it('stays open for several readers, is closed on release, and is read by slices while another owner has it', async () => {
    expect(await worker.ask(null)).toEqual({
      together: true,
      changeWhileOpen: 'NoModificationAllowedError',
      changeAfterRelease: null,
      whileOwned: true,
      beyondEnd: 'storage.short_read',
      afterRelease: true,
    });
  });
});
