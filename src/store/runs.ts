import type { CheckpointInfo, ModelPlace, ModelSource, RunDetail, RunEntry } from '../workers/protocol.ts';
import { noteOf, type ErrorNote } from './errorNote.ts';
import { starterSource } from './example.ts';
import { emptyExporting } from './exporting.ts';
import { busyWith, type SliceOf, type Studio } from './state.ts';

export interface RunsState {
  /** Stored runs, the newest first. */
  entries: RunEntry[];
  /** Whether they were read. */
  known: boolean;
  /** The run that is looked at, and what is stored of it once that is read. */
  open: { id: string; detail: RunDetail | null } | null;
  /** Checkpoints of the run whose adapter the engine holds. */
  choices: { id: string; checkpoints: readonly CheckpointInfo[] } | null;
  /** Curves of runs that are compared, by id. */
  compared: Record<string, RunDetail['curves']>;
  /** What is being done to which run. */
  working: { id: string | null; kind: 'exporting' | 'importing' | 'removing' | 'freeing' | 'opening' } | null;
  /** A run that was made into a file. */
  exported: { id: string; file: File } | null;
  error: ErrorNote | null;
}

export interface RunsSlice {
  runs: RunsState;
  /** Reads the list of stored runs. */
  refreshRuns(): Promise<void>;
  /** Looks at a run; null closes it. */
  openRun(id: string | null): Promise<void>;
  /** Reads which checkpoints of a run there are to choose from. */
  readCheckpoints(id: string): Promise<void>;
  /** Draws a run beside others, or no longer. */
  compareRun(id: string, shown: boolean): Promise<void>;
  changeRun(id: string, change: { name?: string; note?: string }): Promise<void>;
  pinCheckpoint(id: string, step: number, pinned: boolean): Promise<void>;
  /** Deletes a run after a yes. */
  removeRun(id: string): void;
  /** Gives back what only going on needs; adapters stay. */
  freeRun(id: string): Promise<void>;
  exportRun(id: string): Promise<void>;
  importRun(file: File): Promise<void>;
  /** Opens the model of a run where it can be found, and goes on with it. */
  resumeRun(id: string): Promise<void>;
  /** Takes what was trained up to a checkpoint, to try and to export. */
  takeCheckpoint(id: string, step: number): Promise<void>;
  dismissRunsError(): void;
}

const emptyRuns: RunsState = {
  entries: [],
  known: false,
  open: null,
  choices: null,
  compared: {},
  working: null,
  exported: null,
  error: null,
};

export const createRunsSlice: SliceOf<RunsSlice> =
  ({ workers }) =>
  (set, get) => {
    const patch = (changes: Partial<RunsState>) => set(({ runs }) => ({ runs: { ...runs, ...changes } }));
    const { call } = workers.engine;
    const headOf = (id: string) => get().runs.entries.find((entry) => entry.id === id)?.head ?? null;

    /** Does something to a run, and reads the list again. */
    const work = async (
      kind: NonNullable<RunsState['working']>['kind'],
      id: string | null,
      action: () => Promise<void>,
    ): Promise<void> => {
      if (get().runs.working) return;
      patch({ working: { id, kind }, error: null });
      try {
        await action();
      } catch (error) {
        patch({ error: noteOf(error) });
      } finally {
        patch({ working: null });
        await get().refreshRuns();
      }
    };

    const readDetail = async (id: string) => {
      const detail = await call.runDetail(id);
      if (get().runs.open?.id === id) patch({ open: { id, detail } });
    };

    /** Whether the model of a run is open; opened where it can be found without the person. */
    const openModelOf = async (id: string): Promise<boolean> => {
      const head = headOf(id);
      if (!head) return false;
      if (isModelOpen(get(), head)) return true;
      const source = sourceOf(head.place);
      if (source) await get().chooseModel(source);
      const opened = isModelOpen(get(), head);
      if (!opened) patch({ error: get().model.error });
      return opened;
    };

    return {
      runs: emptyRuns,
      async refreshRuns() {
        try {
          patch({ entries: await call.runs(), known: true });
          const { open } = get().runs;
          if (open) await readDetail(open.id);
        } catch (error) {
          patch({ known: true, error: noteOf(error) });
        }
      },
      async openRun(id) {
        patch({ open: id === null ? null : { id, detail: null }, error: null });
        if (id === null) return;
        try {
          await readDetail(id);
        } catch (error) {
          patch({ error: noteOf(error) });
        }
      },
      async readCheckpoints(id) {
        try {
          patch({ choices: { id, checkpoints: (await call.runDetail(id)).checkpoints } });
        } catch {
          // Nothing to choose from, then; the history tells what is wrong with the run.
          patch({ choices: null });
        }
      },
      async compareRun(id, shown) {
        const { [id]: _, ...others } = get().runs.compared;
        if (!shown) return patch({ compared: others });
        try {
          const { curves } = await call.runDetail(id);
          patch({ compared: { ...get().runs.compared, [id]: curves } });
        } catch (error) {
          patch({ error: noteOf(error) });
        }
      },
      async changeRun(id, change) {
        try {
          await call.changeRun(id, change);
        } catch (error) {
          patch({ error: noteOf(error) });
        }
        await get().refreshRuns();
      },
      async pinCheckpoint(id, step, pinned) {
        try {
          await call.pinCheckpoint(id, step, pinned);
        } catch (error) {
          patch({ error: noteOf(error) });
        }
        await get().refreshRuns();
      },
      removeRun(id) {
        const proceed = () =>
          void work('removing', id, async () => {
            await call.removeRun(id);
            const { adapter, runs } = get();
            const { open, exported } = runs;
            // What the engine holds of it is from now on nowhere else.
            if (adapter?.origin === 'trained' && adapter.run === id)
              set({ adapter: { ...adapter, run: null } });
            await get().compareRun(id, false);
            patch({
              ...(open?.id === id && { open: null }),
              ...(exported?.id === id && { exported: null }),
            });
          });
        set({ question: { kind: 'removeRun', name: headOf(id)?.name ?? id, proceed } });
      },
      freeRun: (id) => work('freeing', id, async () => void (await call.freeRun(id))),
      exportRun: (id) =>
        work('exporting', id, async () => {
          patch({ exported: { id, file: await call.exportRun(id) } });
        }),
      importRun: (file) =>
        work('importing', null, async () => {
          const id = await call.importRun(file);
          patch({ open: { id, detail: null } });
        }),
      async resumeRun(id) {
        if (busyWith(get())) return;
        await get().unlessUnsaved('retrain', async () => {
          if (await openModelOf(id)) await get().continueRun(id);
        });
      },
      async takeCheckpoint(id, step) {
        if (busyWith(get()) || get().runs.working) return;
        await get().unlessUnsaved('discard', async () => {
          const method = headOf(id)?.recipe.method;
          if (!method || !(await openModelOf(id))) return;
          await work('opening', id, async () => {
            await call.openCheckpoint(id, step, (loading) =>
              set(({ tryout }) => ({
                tryout: { ...tryout, loading: loading.done < loading.total ? loading : null },
              })),
            );
            set({
              adapter: { origin: 'trained', saved: false, steps: step, run: id, method },
              exporting: emptyExporting,
            });
            get().forgetAnswers();
            void get().askSizes();
          });
        });
      },
      dismissRunsError: () => patch({ error: null }),
    };
  };

type Head = NonNullable<RunEntry['head']>;

/** Where a run's model is found without the person; null for files that must be dropped again, and what this page does not have. */
function sourceOf(place: ModelPlace): ModelSource | null {
  if (place.kind === 'cached') return place;
  // By its name: a run may come from a page at another address.
  const starter = place.kind === 'bundled' ? starterSource() : null;
  return starter?.name === place.name ? starter : null;
}

function isModelOpen({ model }: Pick<Studio, 'model'>, { place, base }: Head): boolean {
  if (model.status !== 'ready') return false;
  const { source, summary } = model;
  if (place.kind === 'dropped') return summary?.name === base.name;
  if (source?.kind !== place.kind || source.name !== place.name) return false;
  return place.kind === 'bundled' || (source.kind === 'cached' && source.commit === place.commit);
}

/** Whether the model of a run is open, or can be opened without the person: one that was dropped must be dropped again. */
export function canOpenModel({ runs, model }: Pick<Studio, 'runs' | 'model'>, id: string): boolean {
  const head = runs.entries.find((entry) => entry.id === id)?.head;
  if (!head) return false;
  return isModelOpen({ model }, head) || sourceOf(head.place) !== null;
}
