import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openWorkerPage, type WorkerPage } from '../../../e2e/harness/workerPage.ts';
import type { DerivedReport } from '../../testing/derivedWorker.ts';

const entry = fileURLToPath(new URL('../../testing/derivedWorker.ts', import.meta.url));

describe.each(['chromium', 'firefox'] as const)(
  '4-bit weights in OPFS, %s',
  { timeout: 300_000 },
  (browser) => {
    let worker: WorkerPage;
    beforeAll(async () => {
      worker = await openWorkerPage(entry, browser);
    }, 120_000);
    afterAll(async () => worker?.close());

    const load = (keep: boolean): Promise<DerivedReport> => worker.ask<DerivedReport>({ keep });

    it('are right after loads that were killed at any moment, and then read instead of the base', async () => {
      const anew = await load(false);
      expect(anew).toMatchObject({ kept: [], problems: [] });
      const start = performance.now();
      await load(false);
      const whole = performance.now() - start;
      let ended = 0;
      // Firefox starts a device slowly: fewer will do.
      const shares = browser === 'firefox' ? [0.6, 0.9, 1.4] : [0.3, 0.5, 0.7, 0.9, 1.1, 1.4, 1.8, 2.3];
      for (const share of shares) {
        const report = await worker.ask<DerivedReport>({ keep: true }, share * whole);
        if (report === null) continue;
        ended += 1;
        expect(report).toMatchObject({ hash: anew.hash, problems: [] });
      }
      expect(ended).toBeLessThan(shares.length);
      expect(await load(true)).toMatchObject({ hash: anew.hash, kept: [true], problems: [] });
      const last = await load(true);
      expect(last).toMatchObject({ hash: anew.hash, kept: [true], problems: [] });
      expect(last.bytes).toBeLessThan(0.3 * anew.bytes);
    });
  },
);
