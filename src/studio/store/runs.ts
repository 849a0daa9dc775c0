import type { ModelRef, ModelSource, RunEntry } from '../../hosts/browser/protocol.ts';
import { noteOf } from './errorNote.ts';
import { starterSource } from './example.ts';
import { emptyExporting } from './state/exporting.ts';
import { busyWith, type SliceOf, type Studio } from './state.ts';
import { emptyRuns, type RunsState, type RunsSlice } from './state/runs.ts';

/** How soon the list is read again while another tab has a run, in ms. */
const ELSEWHERE_MS = 3000;

export const createRunsSlice: SliceOf<RunsSlice> =
  ({ workers }) =>
  (set, get) => {
    const patch = (changes: Partial<RunsState>) => set(({ runs }) => ({ runs: { ...runs, ...changes } }));
    const { call } = workers.engine;
    const headOf = (id: string) => get().runs.entries.find((entry) => entry.id === id)?.head ?? null;

    /** Performs an action on a run, and reads the list again. */
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

    let next: ReturnType<typeof setTimeout> | undefined;
    /** Reads the list again while another tab has a run: nobody says when that tab is gone, or done. */
    const watchElsewhere = (entries: readonly RunEntry[]): void => {
      clearTimeout(next);
      if (entries.some(({ head }) => head?.status === 'elsewhere'))
        next = setTimeout(() => void get().refreshRuns(), ELSEWHERE_MS);
    };

    const readDetail = async (id: string) => {
      const detail = await call.runDetail(id);
      if (get().runs.open?.id === id) patch({ open: { id, detail } });
    };

    /** Opens the model of a run unless it is open, if it can be found without the user; returns whether it is open. */
    const openModelOf = async (id: string): Promise<boolean> => {
      const head = headOf(id);
      if (!head) return false;
      if (isModelOpen(get(), head)) return true;
      const source = sourceOf(head.place);
      if (source) await get().chooseModel(source);
      else if (isMissing(get(), head)) await get().allowModel();
      const opened = isModelOpen(get(), head);
      if (!opened) patch({ error: get().model.error });
      return opened;
    };

    return {
      runs: emptyRuns,
      async refreshRuns() {
        try {
          const entries = await call.runs();
          patch({ entries, known: true });
          watchElsewhere(entries);
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
          // No checkpoints to choose from; the history shows what is wrong with the run.
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
            const { open, exported, job } = runs;
            // From now on the engine holds the only copy.
            if (adapter?.origin === 'trained' && adapter.run === id)
              set({ adapter: { ...adapter, run: null } });
            await get().compareRun(id, false);
            patch({
              ...(open?.id === id && { open: null }),
              ...(exported?.id === id && { exported: null }),
              ...(job?.id === id && { job: null }),
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
      openRunModel: openModelOf,
      async exportJob(id) {
        if (busyWith(get()) || get().runs.working) return;
        patch({ job: null });
        if (!(await openModelOf(id))) return;
        await work('exportingJob', id, async () => {
          patch({ job: { id, file: await call.exportJob(id) } });
        });
      },
      importJob: (name, files) =>
        work('importing', null, async () => {
          const id = await call.importJob(name, files);
          patch({ open: { id, detail: null } });
        }),
      async resumeRun(id) {
        if (busyWith(get())) return;
        await get().unlessUnsaved('retrain', async () => {
          if (!(await openModelOf(id))) return;
          get().showView('train');
          await get().continueRun(id);
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
            void get().askSizes();
          });
        });
      },
      dismissRunsError: () => patch({ error: null }),
    };
  };

type Head = NonNullable<RunEntry['head']>;

/**
 * Where a run's model can be found without the user; null for files that must be dropped again, and for models that
 * this page lacks.
 */
function sourceOf(ref: ModelRef): ModelSource | null {
  if (ref.kind === 'cached') return ref;
  // By its name: a run may come from a page at another address.
  const starter = ref.kind === 'bundled' ? starterSource() : null;
  return starter?.name === ref.name ? starter : null;
}

/** Whether the model of a run is the open one. */
export function isModelOpen({ model }: Pick<Studio, 'model'>, { place: ref, base }: Head): boolean {
  if (model.status !== 'ready') return false;
  const { source, summary } = model;
  if (ref.kind === 'dropped') return summary?.name === base.name;
  if (source?.kind !== ref.kind || source.name !== ref.name) return false;
  return ref.kind === 'bundled' || (source.kind === 'cached' && source.commit === ref.commit);
}

/** Whether the model of a run is the project's, whose folder can be opened again with the user's permission. */
function isMissing({ projects }: Pick<Studio, 'projects'>, { place, base }: Head): boolean {
  const { missingModel } = projects;
  return place.kind === 'dropped' && missingModel?.name === base.name && missingModel.handle !== null;
}

/** Whether the model of a run is open, or can be opened without the user: dropped files must be dropped again. */
export function canOpenModel(
  { runs, model, projects }: Pick<Studio, 'runs' | 'model' | 'projects'>,
  id: string,
): boolean {
  const head = runs.entries.find((entry) => entry.id === id)?.head;
  if (!head) return false;
  return isModelOpen({ model }, head) || sourceOf(head.place) !== null || isMissing({ projects }, head);
}
