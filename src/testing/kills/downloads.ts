import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createRandom } from '../../base/lib/random.ts';
import { HubServer } from '../hubServer.ts';
import type { HubReport, HubTask } from '../hubWorker.ts';
import { wayOf, type KillFigures, type KillOrder } from './figures.ts';
import { KillableTab, type Kill } from './killableTab.ts';

const SIZE = 6_000_000;
const big = new Uint8Array(SIZE).map((_, at) => Math.imul(at + 1, 2654435761) >>> 24);
const files = { 'config.json': '{}', 'model.safetensors': big };
const hashes = Object.fromEntries(
  Object.entries(files).map(([name, content]) => [name, createHash('sha256').update(content).digest('hex')]),
);

/** Real downloads: every file arrives right, and is never there in part. */
export async function killDownloads(order: KillOrder): Promise<KillFigures> {
  const hub = await HubServer.start();
  const tab = await KillableTab.open<HubReport>('../hubWorker.ts', order.browser);
  const download = (task: Pick<HubTask, 'repo'> & Partial<HubTask>, how?: Kill) => {
    hub.models.set(task.repo, { files });
    const defaults = { endpoint: hub.endpoint, token: null, cancelAt: null, dieAt: null, lookOnly: false };
    return tab.ask({ ...defaults, ...task } satisfies HubTask, how);
  };
  try {
    const random = createRandom(order.seed).fork('downloads');
    const whole = (await download({ repo: 'test/whole' }))!;
    assert.ok(whole.changes > 10);
    let [kills, ended, continued] = [0, 0, 0];
    for (;;) {
      const repo = `test/killed${ended}`;
      const dieAt = kills < order.count ? 1 + random.below(Math.ceil(0.5 * whole.changes)) : null;
      const report = await download({ repo, dieAt }, wayOf(kills));
      if (report !== null) {
        assert.deepEqual(report.hashes, hashes);
        ended += 1;
        if (report.received < SIZE) continued += 1;
        if (kills >= order.count) return { kills, ended, continued };
        continue;
      }
      kills += 1;
      const found = (await download({ repo, lookOnly: true }))!;
      if (Object.keys(found.hashes).length > 0) assert.deepEqual(found.hashes, hashes);
    }
  } finally {
    await tab.close();
    await hub.stop();
  }
}
