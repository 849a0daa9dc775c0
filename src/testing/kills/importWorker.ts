import { opfsDirectory } from '../../base/storage/opfsDirectory.ts';
import { removeOpfsFolder } from '../../base/storage/opfsRoot.ts';
import { webLocks } from '../../base/storage/webLocks.ts';
import { exportRun } from '../../content/runs/exportRun.ts';
import { importRun } from '../../content/runs/importRun.ts';
import { RunStore } from '../../content/runs/runStore.ts';
import { digestOf, madeUpState } from '../checkpoints.ts';
import { dyingDirectory } from '../dyingDirectory.ts';
import { someRun } from '../newRun.ts';

/** What is asked of the worker: to export a run into a file, to import that, to look at the runs there, to clear them. */
export interface ImportTask {
  kind: 'export' | 'import' | 'look' | 'clear';
  /** The number of the change of the folder in which it is to be killed; null lets it end. */
  dieAt?: number | null;
}

/** What it tells. */
export type ImportNews =
  /** It has come to that change, and does nothing any more. */
  { kind: 'dying' } | ({ kind: 'done' } & ImportAnswer) | { kind: 'failed'; error: string };

export interface ImportAnswer {
  /** Of each run there: its newest checkpoint's digest, and the runs of which nothing can be read. */
  runs: string[];
  damaged: number;
  /** How many changes an import made. */
  changes: number;
}

const [RUNS, FILES, ARCHIVE] = ['import-kills', 'import-files', 'run.zip'];
const CHUNK = { chunkBytes: 64 * 1024 };

const tell = (news: ImportNews): void => self.postMessage(news);

async function run({ kind, dieAt }: ImportTask): Promise<ImportAnswer> {
  if (kind === 'clear') await removeOpfsFolder(RUNS);
  if (kind === 'export') await writeArchive();
  const victim = dyingDirectory(await opfsDirectory(RUNS), dieAt ?? Infinity, () => {
    tell({ kind: 'dying' });
    return new Promise<never>(() => undefined);
  });
  const store = new RunStore(victim.folder, webLocks(), CHUNK);
  if (kind === 'import') {
    const source = await (await opfsDirectory(FILES)).open(ARCHIVE);
    await importRun(store, new File([await source.read(0, source.size)], ARCHIVE));
  }
  const changes = victim.changes.length;
  const listed = await store.list();
  const runs: string[] = [];
  for (const { id, header } of listed)
    if (header) runs.push(await digestOf((await (await store.look(id)).load()).checkpoint!));
  return { runs, damaged: listed.length - runs.length, changes };
}

/** Makes a run of two checkpoints and exports it. */
async function writeArchive(): Promise<void> {
  const store = new RunStore(await opfsDirectory(`${RUNS}-source`), webLocks(), CHUNK);
  const made = await store.create(someRun());
  for (const step of [1, 2]) await made.save(madeUpState(step));
  await made.close();
  const sink = await (await opfsDirectory(FILES)).create(ARCHIVE);
  await sink.write(new Uint8Array(await (await exportRun(store, made.id)).arrayBuffer()));
  await sink.close();
}

self.onmessage = async ({ data }: MessageEvent<ImportTask>) => {
  const ended = run(data).then(
    (answer): ImportNews => ({ kind: 'done', ...answer }),
    (error: unknown): ImportNews => ({ kind: 'failed', error: String(error) }),
  );
  tell(await ended);
};
