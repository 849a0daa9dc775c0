import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openWorkerPage, type WorkerPage } from '../../e2e/harness/workerPage.ts';

const entry = fileURLToPath(new URL('../testing/opfsWorker.ts', import.meta.url));

describe.each(['chromium', 'firefox'] as const)('a file of OPFS in a worker of %s', (browser) => {
  let worker: WorkerPage;
  beforeAll(async () => {
    worker = await openWorkerPage(entry, browser);
  }, 120_000);
  afterAll(async () => worker?.close());

  it('is kept open by several readers, closed on release, and read by slices while it has an owner', async () => {
    expect(await worker.ask(null)).toEqual({
      together: true,
      changeWhileOpen: 'NoModificationAllowedError',
      changeAfterRelease: null,
      whileOwned: true,
      beyondEnd: 'storage.short_read',
      afterRelease: true,
    });
  }, 60_000);
});
