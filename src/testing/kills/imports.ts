import assert from 'node:assert/strict';
import { createRandom } from '../../base/lib/random.ts';
import { digestOf, madeUpState } from '../checkpoints.ts';
import { wayOf, type KillFigures, type KillOrder } from './figures.ts';
import type { ImportNews, ImportTask } from './importWorker.ts';
import { KillableTab, type Kill } from './killableTab.ts';

/** Imports of an exported run: it is there whole, or not at all. */
export async function killImports(order: KillOrder): Promise<KillFigures> {
  const tab = await KillableTab.open<ImportNews>('importWorker.ts', order.browser);
  const ask = (task: ImportTask, how?: Kill) => tab.ask(task, how);
  try {
    const random = createRandom(order.seed).fork('imports');
    const digest = await digestOf(madeUpState(2));
    await ask({ kind: 'export' });
    const { runs, changes } = (await ask({ kind: 'import' }))!;
    assert.deepEqual(runs, [digest]);
    await ask({ kind: 'clear' });
    let [kills, ended] = [0, 0];
    for (;;) {
      const dieAt = kills < order.count ? 1 + random.below(Math.ceil(1.1 * changes)) : null;
      const answer = await ask({ kind: 'import', dieAt }, wayOf(kills));
      if (answer === null) {
        kills += 1;
        const found = (await ask({ kind: 'look' }))!;
        // Killed between its last change and its end, it is there already.
        assert.ok(found.runs.every((one) => one === digest) && found.damaged === 0, 'a run in part');
        await ask({ kind: 'clear' });
        continue;
      }
      assert.deepEqual(answer.runs, [digest]);
      ended += 1;
      await ask({ kind: 'clear' });
      if (kills >= order.count) return { kills, ended, continued: 0 };
    }
  } finally {
    await tab.close();
  }
}
