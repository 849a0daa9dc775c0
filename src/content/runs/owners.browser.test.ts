import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openWorkerPage, type WorkerPage } from '../../testing/browsers/workerPage.ts';
import type { OwnersReport, OwnersTask } from '../../testing/runOwnersWorker.ts';

const entry = fileURLToPath(new URL('../../testing/runOwnersWorker.ts', import.meta.url));
/** GRAFT_OWNERS=200 for more. */
const ROUNDS = Number(process.env.GRAFT_OWNERS ?? 8);
const SEED = Number(process.env.GRAFT_SEED ?? 1);

describe.each(['chromium', 'firefox'] as const)('two workers on the same runs, in %s', (browser) => {
  let worker: WorkerPage;
  beforeAll(async () => {
    worker = await openWorkerPage(entry, browser);
  });
  afterAll(async () => worker?.close());

  it(
    `have one owner, import beside it, and lose no commit, ${ROUNDS} times`,
    async () => {
      const task = { rounds: ROUNDS, seed: SEED };
      const [first, second] = await Promise.all([
        worker.ask<null>({ ...task, role: 'first' } satisfies OwnersTask),
        worker.ask<OwnersReport>({ ...task, role: 'second' } satisfies OwnersTask),
      ]);
      expect(first).toBe(null);
      expect(second).toEqual({
        readOnly: ROUNDS,
        refused: ROUNDS,
        imported: ROUNDS,
        tookOver: ROUNDS,
        wholeAfter: ROUNDS,
        rounds: ROUNDS,
      });
    },
    600_000 + ROUNDS * 20_000,
  );
});
