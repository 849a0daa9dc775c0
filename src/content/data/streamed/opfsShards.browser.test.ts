import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openWorkerPage, type WorkerPage } from '../../../testing/browsers/workerPage.ts';

const entry = fileURLToPath(new URL('../../../testing/shardsWorker.ts', import.meta.url));

let worker: WorkerPage;
beforeAll(async () => {
  worker = await openWorkerPage(entry, 'chromium');
});
afterAll(async () => worker?.close());

it('shards in OPFS are gone on with after a stop, and read as rows in memory are', async () => {
  expect(await worker.ask(null)).toEqual({
    ended: 'stopped',
    left: 2,
    goneOnWith: 600,
    same: [true, true],
  });
});
