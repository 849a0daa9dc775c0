import type { CheckpointInfo, RunDetail, RunEntry } from '../workers/protocol.ts';
import { noteOf, type ErrorNote } from './errorNote.ts';
import { busyWith, isTraining, type SliceOf, type Studio } from './state.ts';

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
  /** The checkpoint whose adapter the engine holds. */
  taken: { id: string; step: number } | null;
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
  taken: null,
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
      const { model } = get();
      const { place } = head;
      if (model.status === 'ready' && model.summary?.name === head.base.name) return true;
      if (place.kind !== 'dropped') await get().chooseModel(place);
      return get().model.status === 'ready';
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
            const { open, exported } = get().runs;
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
        if (busyWith(get()) || isTraining(get())) return;
        if (await openModelOf(id)) await get().continueRun(id);
      },
      async takeCheckpoint(id, step) {
        if (busyWith(get())) return;
        await get().unlessUnsaved('discard', () =>
          work('opening', id, async () => {
            if (!(await openModelOf(id))) return;
            const { isModel } = await call.openCheckpoint(id, step, (loading) =>
              set(({ tryout }) => ({
                tryout: { ...tryout, loading: loading.done < loading.total ? loading : null },
              })),
            );
            set({ adapter: { origin: 'trained', saved: false, steps: step, run: id, isModel } });
            patch({ taken: { id, step } });
            get().forgetAnswers();
            void get().askSizes();
          }),
        );
      },
      dismissRunsError: () => patch({ error: null }),
    };
  };

/** Whether the model of a run is open, or can be opened without the person: one that was dropped must be dropped again. */
export function canOpenModel({ runs, model }: Pick<Studio, 'runs' | 'model'>, id: string): boolean {
  const head = runs.entries.find((entry) => entry.id === id)?.head;
  if (!head) return false;
  return head.place.kind !== 'dropped' || model.summary?.name === head.base.name;
}
