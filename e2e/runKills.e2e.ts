import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createRandom, type Random } from '../src/lib/random.ts';
import { digestOf, madeUpState } from '../src/testing/checkpoints.ts';
import type { RunNews, RunTask } from '../src/testing/runWorker.ts';
import { KillableTab, type Kill } from './harness/killableTab.ts';

/** Kills in all; GRAFT_KILLS=1000 is for an evening. */
const KILLS = Number(process.env.GRAFT_KILLS ?? 200);
/** Those of a real training, where starting its GPU takes the most time. */
const TRAINING_KILLS = Math.ceil(KILLS / 20);
const TRAINING_STEPS = 24;
const TIMEOUT_MS = Math.max(600_000, KILLS * 5_000);

let tab: KillableTab<RunNews>;
beforeAll(async () => {
  tab = await KillableTab.open(fileURLToPath(new URL('../src/testing/runWorker.ts', import.meta.url)));
});
afterAll(() => tab?.close());

/** Mostly the worker, which is what happens most; every tenth a tab, and a few times the whole browser. */
function killNumber(n: number): Kill {
  if (n % 50 === 49) return 'browser';
  if (n % 10 === 9) return 'crash';
  return n % 10 === 4 ? 'close' : 'worker';
}

/** At some moment around one of the first checkpoints, or with `early` also before the run is open. */
function nextKill(n: number, pace: Pace, random: Random, { early }: { early: boolean }) {
  const news = early ? random.below(5) : 2 + random.below(5);
  return { how: killNumber(n), news, after: pace.moment(random, news) };
}

/** What is known of a run from outside. */
interface Known {
  /** The last step that was told to be committed. */
  committed: number;
  /** The last that was found after a kill. */
  found: number;
}

/** How long a worker takes until it has loaded a run, and from one news to the next: when a kill may come. */
class Pace {
  #ms: [number, number] = [0, 0];
  #last = 0;

  start(): void {
    this.#last = performance.now();
  }

  note(count: number): void {
    const now = performance.now();
    this.#ms[count === 1 ? 0 : 1] = now - this.#last;
    this.#last = now;
  }

  /** Some moment up to a little after the next news. */
  moment(random: Random, news: number): number {
    return random.next() * 1.2 * this.#ms[news === 0 ? 0 : 1];
  }
}

/** Hears a worker that goes on with a run and checks what it found; throws what is wrong. */
function listen(known: Known, pace: Pace, digestAt: (step: number) => Promise<string> | string) {
  const news: RunNews[] = [];
  pace.start();
  const hear = (item: RunNews): void => {
    news.push(item);
    pace.note(news.length);
  };
  const check = async (): Promise<Known> => {
    const now = { ...known };
    for (const item of news) {
      if (item.kind === 'failed') throw new Error(item.error);
      if (item.kind === 'committed') now.committed = item.step;
      if (item.kind !== 'loaded') continue;
      const { step, digest, curves } = item;
      // Nothing that was said to be safe is lost; what was on its way may be there.
      expect(step).toBeGreaterThanOrEqual(known.committed);
      if (step > 0) expect(digest).toBe(await digestAt(step));
      // The curves are as far as the checkpoint.
      expect(curves).toBe(step);
      now.found = step;
      now.committed = step;
    }
    return now;
  };
  return { hear, check, news };
}

it(
  `loses no committed step of a run that is saved all the time, through ${KILLS - TRAINING_KILLS} kills`,
  async () => {
    const random = createRandom(31);
    const task: RunTask = { kind: 'save', folder: 'saved', steps: 1e6, digests: false };
    let known: Known = { committed: 0, found: 0 };
    const pace = new Pace();
    let passedOver = 0;
    let wentOn = 0;
    for (let n = 0; n < KILLS - TRAINING_KILLS; n++) {
      const { hear, check, news } = listen(known, pace, (step) => digestOf(madeUpState(step)));
      expect(await tab.run(task, hear, nextKill(n, pace, random, { early: true }))).toBe(true);
      const next = await check();
      if (next.committed > known.committed) wentOn += 1;
      for (const item of news) if (item.kind === 'loaded') passedOver += item.passedOver;
      known = next;
    }
    console.info(
      `${known.committed} steps, ${wentOn} starts went on, ${passedOver} unfinished states were passed over`,
    );
    expect(wentOn).toBeGreaterThan((KILLS - TRAINING_KILLS) / 4);
  },
  TIMEOUT_MS,
);

it(
  `ends a training in the same bits through ${TRAINING_KILLS} kills, and loses no committed step`,
  async () => {
    const random = createRandom(32);
    const task = { kind: 'train', steps: TRAINING_STEPS } as const;
    // The run that nobody disturbs.
    const undisturbed: RunNews[] = [];
    const whole = { ...task, folder: 'whole', digests: true } satisfies RunTask;
    await tab.run(whole, (item) => void undisturbed.push(item));
    const digests = new Map(
      undisturbed.map((item) => (item.kind === 'committed' ? [item.step, item.digest!] : [0, ''])),
    );
    const end = undisturbed.at(-1)!;
    expect(end).toMatchObject({ kind: 'done' });
    // None before the first step.
    expect(digests.size).toBe(1 + TRAINING_STEPS);
    const pace = new Pace();
    let [kills, ends] = [0, 0];
    let known: Known = { committed: 0, found: 0 };
    const folder = () => `killed-${ends}`;
    while (kills < TRAINING_KILLS) {
      const { hear, check, news } = listen(known, pace, (step) => digests.get(step)!);
      const kill = nextKill(kills, pace, random, { early: false });
      const killed = await tab.run(
        { ...task, folder: folder(), digests: false } satisfies RunTask,
        hear,
        kill,
      );
      known = await check();
      if (killed) {
        kills += 1;
        continue;
      }
      expect(news.at(-1)).toEqual(end);
      ends += 1;
      known = { committed: 0, found: 0 };
    }
    const { hear, check, news } = listen(known, pace, (step) => digests.get(step)!);
    await tab.run({ ...task, folder: folder(), digests: false } satisfies RunTask, hear);
    await check();
    expect(news.at(-1)).toEqual(end);
    console.info(`${ends + 1} runs of ${TRAINING_STEPS} steps ended`);
  },
  TIMEOUT_MS,
);
