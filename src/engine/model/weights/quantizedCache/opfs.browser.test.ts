import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openWorkerPage, type WorkerPage } from '../../../../testing/browsers/workerPage.ts';
import type { CacheReport } from '../../../../testing/quantizedCacheWorker.ts';

const entry = fileURLToPath(new URL('../../../../testing/quantizedCacheWorker.ts', import.meta.url));

describe.each(['chromium', 'firefox'] as const)('4-bit weights in OPFS, %s', (browser) => {
  let worker: WorkerPage;
  beforeAll(async () => {
    worker = await openWorkerPage(entry, browser);
  });
  afterAll(async () => worker?.close());

  const load = (keep: boolean): Promise<CacheReport> => worker.ask<CacheReport>({ keep });

  it('are right after loads that were killed at any change, and then read instead of the base', async () => {
    const anew = await load(false);
    expect(anew).toMatchObject({ kept: [], problems: [] });
    const { changes } = await load(true);
    // Firefox starts a device slowly: fewer will do.
    for (const share of browser === 'firefox' ? [0.5, 1] : [0, 0.3, 0.6, 0.9, 1]) {
      const dieAt = Math.max(1, Math.round(share * changes));
      expect(await worker.ask<null>({ keep: true, clear: true, dieAt })).toBeNull();
      expect(await load(true)).toMatchObject({ hash: anew.hash, kept: [true], problems: [] });
    }
    const last = await load(true);
    expect(last).toMatchObject({ hash: anew.hash, kept: [true], problems: [] });
    expect(last.bytes).toBeLessThan(0.3 * anew.bytes);
  });
});
