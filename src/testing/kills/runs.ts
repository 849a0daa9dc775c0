import assert from 'node:assert/strict';
import { createRandom, type Random } from '../../base/lib/random.ts';
import { digestOf, madeUpState } from '../checkpoints.ts';
import { wayOf, type KillFigures, type KillOrder } from './figures.ts';
import { KillableTab } from './killableTab.ts';
import type { RunNews, RunTask } from './runWorker.ts';

/** Steps of a training that is killed. */
const STEPS = 24;

const openTab = ({ browser }: KillOrder) => KillableTab.open<RunNews>('runWorker.ts', browser);

/** A run that is saved all the time, by states made up: nothing that was said to be committed is lost. */
export async function killSaves(order: KillOrder): Promise<KillFigures> {
  const tab = await openTab(order);
  try {
    const random = createRandom(order.seed).fork('saves');
    const task = { kind: 'save', folder: 'saved', digests: false } as const;
    const watch = new RunWatch((step) => digestOf(madeUpState(step)));
    await tab.run({ ...task, steps: 2, dieAt: null } satisfies RunTask, watch.hear);
    await watch.check();
    assert.equal(watch.committed, 2);
    let continued = 0;
    for (let n = 0; n < order.count; n++) {
      const before = watch.committed;
      const dieAt = watch.someChange(random, { early: true });
      const killed = tab.run({ ...task, steps: 1e6, dieAt } satisfies RunTask, watch.hear, wayOf(n));
      assert.ok(await killed);
      await watch.check();
      if (watch.committed > before) continued += 1;
    }
    return { kills: order.count, ended: 0, continued };
  } finally {
    await tab.close();
  }
}

/** Real trainings, checkpointed at each step: they end in the bits of one that nobody disturbs. */
export async function killTrainings(order: KillOrder): Promise<KillFigures> {
  const tab = await openTab(order);
  try {
    const random = createRandom(order.seed).fork('trainings');
    const task = { kind: 'train', steps: STEPS, digests: false, dieAt: null } as const;
    const digests = new Map([[0, '']]);
    const undisturbed = new RunWatch((step) => digests.get(step));
    const hear = (news: RunNews): void => {
      undisturbed.hear(news);
      if (news.kind === 'committed') digests.set(news.step, news.digest!);
    };
    await tab.run({ ...task, folder: 'whole', digests: true } satisfies RunTask, hear);
    await undisturbed.check();
    const end = undisturbed.last;
    assert.equal(end.kind, 'done');
    assert.equal(digests.size, 1 + STEPS);
    const begin = () => undisturbed.again((step) => digests.get(step));
    let [kills, ended, continued] = [0, 0, 0];
    let watch = begin();
    for (;;) {
      const dieAt = kills < order.count ? watch.someChange(random, { early: false }) : null;
      const next = { ...task, folder: `killed-${ended}`, dieAt } satisfies RunTask;
      const killed = await tab.run(next, watch.hear, wayOf(kills));
      await watch.check();
      if (watch.found > 0) continued += 1;
      if (killed) {
        kills += 1;
        continue;
      }
      assert.deepEqual(watch.last, end);
      ended += 1;
      await tab.run({ ...task, kind: 'clear', folder: next.folder } satisfies RunTask, () => undefined);
      if (kills >= order.count) return { kills, ended, continued };
      watch = begin();
    }
  } finally {
    await tab.close();
  }
}

/** Hears the workers of one run, and checks what each found against what the ones before had said. */
class RunWatch {
  /** The last step that was said to be committed, and the one the last worker found. */
  committed = 0;
  found = 0;
  readonly #digestAt: (step: number) => Promise<string> | string | undefined;
  #news: RunNews[] = [];
  /** Changes of the folder until a run is loaded, and from one checkpoint to the next. */
  #loaded = 0;
  #checkpoint = 1;
  #lastChange = 0;

  constructor(digestAt: RunWatch['digestAt']) {
    this.#digestAt = digestAt;
  }

  /** What a step's checkpoint must hold. */
  get digestAt() {
    return this.#digestAt;
  }

  /** The same for another run, with the pace of this one. */
  again(digestAt: RunWatch['digestAt']): RunWatch {
    const next = new RunWatch(digestAt);
    next.#loaded = this.#loaded;
    next.#checkpoint = this.#checkpoint;
    return next;
  }

  /** The last thing that was said. */
  get last(): RunNews {
    return this.#news.at(-1)!;
  }

  readonly hear = (item: RunNews): void => {
    if (item.kind === 'loaded') {
      this.#news = [];
      this.#lastChange = this.#loaded = item.changes;
    }
    if (item.kind === 'committed') {
      this.#checkpoint = item.changes - this.#lastChange;
      this.#lastChange = item.changes;
    }
    this.#news.push(item);
  };

  /** Some change up to the fourth checkpoint, or with `early` also before the run is open. */
  someChange(random: Random, { early }: { early: boolean }): number {
    const from = early ? 0 : this.#loaded;
    return from + 1 + random.below(this.#loaded - from + 4 * this.#checkpoint);
  }

  /** Throws what is wrong with what the last worker found. */
  async check(): Promise<void> {
    const before = this.committed;
    this.found = 0;
    for (const item of this.#news) {
      if (item.kind === 'failed') throw new Error(item.error);
      if (item.kind === 'committed') this.committed = item.step;
      if (item.kind !== 'loaded') continue;
      const { step, digest, curves } = item;
      // What was on its way may be there as well.
      assert.ok(step >= before, `step ${before} was committed, and ${step} was found`);
      if (step > 0) assert.equal(digest, await this.#digestAt(step), `checkpoint of step ${step}`);
      assert.equal(curves, step, 'curves as far as the checkpoint');
      this.found = this.committed = step;
    }
    this.#news = this.#news.slice(-1);
  }
}
