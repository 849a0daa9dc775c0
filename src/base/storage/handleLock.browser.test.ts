import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openWorkerPage, type WorkerPage } from '../../testing/browsers/workerPage.ts';

const entry = fileURLToPath(new URL('../../testing/handleLockWorker.ts', import.meta.url));

describe.each(['chromium', 'firefox'] as const)('a folder that was chosen, in a worker of %s', (browser) => {
  let worker: WorkerPage;
  beforeAll(async () => {
    worker = await openWorkerPage(entry, browser);
  });
  afterAll(async () => worker?.close());

  it('has one owner; one that ended leaves it to the next, and one that lost it writes nothing', async () => {
    expect(await worker.ask(null)).toEqual({
      second: 'storage.folder_in_use',
      listed: ['a.txt'],
      next: null,
      lost: 'storage.lost_ownership',
      replaced: 'storage.lost_ownership',
      closedTab: null,
      stranger: 'storage.folder_in_use',
      left: [],
    });
  });
});
