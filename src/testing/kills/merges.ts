import assert from 'node:assert/strict';
import { createRandom } from '../../base/lib/random.ts';
import { wayOf, type KillFigures, type KillOrder } from './figures.ts';
import { KillableTab, type Kill } from './killableTab.ts';
import type { MergeNews, MergeTask } from './mergeWorker.ts';

/** Real merges: they end in the bytes of one that nobody disturbs, and are never a model with others. */
export async function killMerges(order: KillOrder): Promise<KillFigures> {
  const tab = await KillableTab.open<MergeNews>('mergeWorker.ts', order.browser);
  const ask = (task: MergeTask, how?: Kill) => tab.ask(task, how);
  try {
    const random = createRandom(order.seed).fork('merges');
    await ask({ kind: 'clear' });
    const whole = (await ask({ kind: 'merge' }))!;
    const expected = whole.hashes!;
    assert.ok(Object.keys(expected).length > 5);
    const again = (await ask({ kind: 'merge' }))!;
    assert.deepEqual([again.alreadyFinished, again.changes, again.hashes], [true, 0, expected]);
    /** What a page that has just been opened sees: no model, or the whole one. */
    const isThere = async (): Promise<boolean> => {
      const { hashes } = (await ask({ kind: 'look' }))!;
      if (hashes === null) return false;
      // Killed at the very end: the journal may still stand beside a model that is whole.
      const { 'graft-merge.unfinished': _, ...found } = hashes;
      assert.deepEqual(found, expected);
      return true;
    };

    // Before its last file, and before the end of the journal.
    for (const dieAt of [whole.changes - 1, whole.changes]) {
      await ask({ kind: 'clear' });
      assert.equal(await ask({ kind: 'merge', dieAt }, 'crash'), null);
      const isModel = dieAt === whole.changes;
      assert.equal(await isThere(), isModel);
      const after = (await ask({ kind: 'merge' }))!;
      assert.deepEqual([after.alreadyFinished, after.hashes], [isModel, expected]);
    }

    await ask({ kind: 'clear' });
    let [kills, ended, continued] = [2, 0, 0];
    for (;;) {
      const dieAt = kills < order.count ? 1 + random.below(Math.ceil(0.7 * whole.changes)) : null;
      const answer = await ask({ kind: 'merge', dieAt }, wayOf(kills));
      if (answer === null) {
        kills += 1;
        await isThere();
        continue;
      }
      assert.deepEqual(answer.hashes, expected);
      ended += 1;
      if (answer.kept > 0) continued += 1;
      await ask({ kind: 'clear' });
      if (kills >= order.count) return { kills, ended, continued };
    }
  } finally {
    await tab.close();
  }
}
