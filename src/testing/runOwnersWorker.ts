import { GraftError, messageOf } from '../base/lib/errors.ts';
import { createRandom } from '../base/lib/random.ts';
import { opfsDirectory } from '../base/storage/opfsDirectory.ts';
import { removeOpfsFolder } from '../base/storage/opfsRoot.ts';
import { webLocks } from '../base/storage/webLocks.ts';
import { exportRun } from '../content/runs/exportRun.ts';
import { importRun } from '../content/runs/importRun.ts';
import { RunStore } from '../content/runs/runStore.ts';
import type { StoredRun } from '../content/runs/storedRun.ts';
import { digestOf, madeUpState } from './checkpoints.ts';
import { someRun } from './newRun.ts';

/** Two workers on the same runs: the first owns and saves one all the time, the second tries what it may not and imports. */
export interface OwnersTask {
  role: 'first' | 'second';
  rounds: number;
  seed: number;
}

/** What the second found, by how many rounds it found it in. */
export type OwnersReport = Record<
  'readOnly' | 'refused' | 'imported' | 'tookOver' | 'wholeAfter' | 'rounds',
  number
>;

type News =
  | { kind: 'hello' }
  | { kind: 'here' }
  | { kind: 'owned'; round: number; id: string; archive: File; archived: number }
  | { kind: 'tried'; round: number }
  | { kind: 'closed'; round: number; committed: number };

const channel = new BroadcastChannel('owners');
const heard: News[] = [];
let wake = (): void => undefined;
channel.onmessage = ({ data }: MessageEvent<News>) => {
  if (data.kind === 'hello') tell({ kind: 'here' });
  heard.push(data);
  wake();
};
const tell = (news: News): void => channel.postMessage(news);

async function hear<Kind extends News['kind']>(kind: Kind, round?: number) {
  for (;;) {
    const isIt = (news: News): boolean =>
      news.kind === kind && (round === undefined || ('round' in news && news.round === round));
    const found = heard.findIndex(isIt);
    if (found >= 0) return heard.splice(found, 1)[0] as Extract<News, { kind: Kind }>;
    await new Promise<void>((resolve) => (wake = resolve));
  }
}

/** Resolves when the other worker hears this one. */
async function meet(): Promise<void> {
  tell({ kind: 'hello' });
  while (!heard.some(({ kind }) => kind === 'hello' || kind === 'here'))
    await new Promise<void>((resolve) => (wake = resolve));
}

const storeOf = async (round: number): Promise<RunStore> =>
  new RunStore(await opfsDirectory(`owners-${round}`), webLocks(`owners-${round}`), {
    chunkBytes: 64 * 1024,
  });

async function first({ rounds, seed }: OwnersTask): Promise<null> {
  for (let round = 0; round < rounds; round++) {
    const random = createRandom(seed * 1000 + round);
    const store = await storeOf(round);
    const run = await store.create(someRun());
    let step = 0;
    const save = async (): Promise<void> => {
      step += 1;
      await run.save(madeUpState(step));
    };
    for (let left = random.below(4); left >= 0; left--) await save();
    const archive = await exportRun(store, run.id);
    tell({ kind: 'owned', round, id: run.id, archive, archived: step });
    while (!heard.some((news) => news.kind === 'tried' && news.round === round)) await save();
    await run.close();
    tell({ kind: 'closed', round, committed: step });
  }
  await hear('tried', rounds);
  return null;
}

const codeOf = (work: Promise<unknown>): Promise<string | null> =>
  work.then(
    () => null,
    (error: unknown) => (error instanceof GraftError ? error.code : messageOf(error)),
  );

async function isAt(run: StoredRun, step: number): Promise<boolean> {
  const { checkpoint, passedOver } = await run.load();
  const isWhole = checkpoint !== null && (await digestOf(checkpoint)) === (await digestOf(madeUpState(step)));
  return isWhole && passedOver.length === 0;
}

async function second({ rounds }: OwnersTask): Promise<OwnersReport> {
  const report: OwnersReport = { readOnly: 0, refused: 0, imported: 0, tookOver: 0, wholeAfter: 0, rounds };
  for (let round = 0; round < rounds; round++) {
    const { id, archive, archived } = await hear('owned', round);
    const store = await storeOf(round);
    const reader = await store.open(id, 0);
    if (!reader.owned && (await codeOf(reader.save(madeUpState(99)))) === 'runs.read_only')
      report.readOnly += 1;
    const refused = [await codeOf(store.change(id, { name: 'x' })), await codeOf(store.remove(id))];
    if (refused.every((code) => code === 'runs.in_use')) report.refused += 1;
    // A run of the same id, while the first saves on.
    const imported = await importRun(store, archive);
    if (imported !== id && (await isAt(await store.look(imported), archived))) report.imported += 1;
    tell({ kind: 'tried', round });
    const { committed } = await hear('closed', round);
    const run = await store.open(id, 60_000);
    if (run.owned && (await isAt(run, committed))) report.tookOver += 1;
    await run.save(madeUpState(committed + 1));
    await run.close();
    const both = [
      await isAt(await store.look(id), committed + 1),
      await isAt(await store.look(imported), archived),
    ];
    if (both.every(Boolean)) report.wholeAfter += 1;
    await removeOpfsFolder(`owners-${round}`);
  }
  tell({ kind: 'tried', round: rounds });
  return report;
}

self.onmessage = async ({ data }: MessageEvent<OwnersTask>) => {
  await meet();
  const ended = data.role === 'first' ? first(data) : second(data);
  self.postMessage(await ended.catch((error: unknown) => ({ error: messageOf(error) })));
};
