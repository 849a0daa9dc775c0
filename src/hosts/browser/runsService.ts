import * as v from 'valibot';
import { importRun } from '../../content/runs/importRun.ts';
import { exportRun } from '../../content/runs/exportRun.ts';
import { RunStore, type RunSummary } from '../../content/runs/runStore.ts';
import { opfsDirectory } from '../../base/storage/opfsDirectory.ts';
import { webLocks } from '../../base/storage/webLocks.ts';
import type { RunEntry, RunsApi } from './runsProtocol.ts';

/** The folder of the origin private file system that holds runs. */
const RUNS_FOLDER = 'runs';

/** What is kept with a run besides what `src/runs` knows: how its model is found again, and what it is asked at each checkpoint. */
const extraSchema = v.object({
  place: v.variant('kind', [
    v.object({ kind: v.literal('bundled'), name: v.string(), url: v.string() }),
    v.object({
      kind: v.literal('cached'),
      name: v.string(),
      host: v.string(),
      repo: v.string(),
      commit: v.string(),
    }),
    v.object({ kind: v.literal('dropped'), name: v.string() }),
  ]),
  samples: v.array(
    v.object({ text: v.string(), ids: v.array(v.number()), endIds: v.optional(v.array(v.number())) }),
  ),
});
/** The mark of a run of a sweep: see session/sweep/sweepRun.ts. */
const sweepSchema = v.object({ sweep: v.object({ id: v.string(), index: v.number() }) });

export type RunExtra = v.InferOutput<typeof extraSchema>;

/** What is kept with a run; nothing but the model's name of one that another program has made. */
export function extraOf({ extra, base }: { extra: unknown; base: { name: string } }): RunExtra {
  const result = v.safeParse(extraSchema, extra);
  return result.success ? result.output : { place: { kind: 'dropped', name: base.name }, samples: [] };
}

/** The runs of this browser. Throws `storage.opfs_denied`. */
export async function openRunStore(): Promise<RunStore> {
  return new RunStore(await opfsDirectory(RUNS_FOLDER), webLocks());
}

type RunsOnly = Pick<
  RunsApi,
  'runs' | 'runDetail' | 'changeRun' | 'pinCheckpoint' | 'freeRun' | 'removeRun' | 'exportRun' | 'importRun'
>;

/**
 * What is asked and changed of stored runs; none of it touches the GPU, so none waits for a training.
 * @param store opened once, shared with what trains: it knows which runs are open here
 * @param training the id of the run that this worker trains, or null
 */
export function createRunsService(store: () => Promise<RunStore>, training: () => string | null): RunsOnly {
  return {
    async runs() {
      const opened = await store().catch(() => null);
      if (!opened) return [];
      const entries: RunEntry[] = [];
      for (const summary of await opened.list()) {
        const size = await opened.size(summary.id).catch(() => null);
        entries.push({ ...entryOf(summary, training()), bytes: size?.total ?? 0 });
      }
      return entries;
    },
    async runDetail(id) {
      const runs = await store();
      // As a reader: whoever trains it goes on.
      const run = await runs.look(id);
      return {
        checkpoints: run.checkpoints,
        curves: (await run.curves()).records,
        size: await runs.size(id),
      };
    },
    async changeRun(id, change) {
      const runs = await store();
      const name = change.name === undefined ? {} : { name: await runs.freeName(change.name, id) };
      await runs.change(id, { ...change, ...name });
    },
    async pinCheckpoint(id, step, pinned) {
      await (await store()).pin(id, step, pinned);
    },
    async freeRun(id) {
      const runs = await store();
      const { forResume } = await runs.size(id);
      await runs.dropResume(id);
      return forResume;
    },
    async removeRun(id) {
      await (await store()).remove(id);
    },
    exportRun: async (id) => exportRun(await store(), id),
    importRun: async (file) => importRun(await store(), file),
  };
}

function entryOf({ id, header, busy }: RunSummary, training: string | null): Omit<RunEntry, 'bytes'> {
  if (!header) return { id, head: null };
  const { name, note, tags, createdAt, changedAt, recipe, base, data, progress, failure, state } = header;
  const running = id === training ? 'running' : busy ? 'elsewhere' : 'cut';
  const status = state === 'running' ? running : state;
  const { place } = extraOf(header);
  const mark = v.safeParse(sweepSchema, header.extra);
  const sweep = mark.success ? mark.output.sweep.id : null;
  return {
    id,
    head: {
      name,
      note,
      tags,
      createdAt,
      changedAt,
      recipe,
      base,
      data,
      progress,
      failure,
      status,
      place,
      sweep,
    },
  };
}
