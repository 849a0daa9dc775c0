import type { CurveRecord, SweepEvent, SweepReport, TrainEvent } from '../../hosts/browser/protocol.ts';
import { readValues, sweptKeys } from '../../base/config/sweepAxes.ts';
import { noteOf } from './errorNote.ts';
import { emptyExporting } from './state/exporting.ts';
import { busyWith, isReadOnly, type SliceOf, type Studio } from './state.ts';
import { emptySweep, type SweepAxis, type SweepSlice, type SweepState } from './state/sweep.ts';
import type { StartedRun } from './state/run.ts';

/** What another axis begins with: the settings that are most often varied. */
const usualAxes: readonly SweepAxis[] = [
  { key: 'lr', values: '1e-4, 3e-4, 1e-3, 3e-3' },
  { key: 'rank', values: '8, 32' },
  { key: 'batch_size', values: '4, 8' },
  { key: 'dropout', values: '0, 0.05' },
  { key: 'schedule', values: 'cosine, constant' },
];

export const createSweepSlice: SliceOf<SweepSlice> =
  ({ workers }) =>
  (set, get) => {
    const { call } = workers.engine;
    const patch = (changes: Partial<SweepState>) => set(({ sweep }) => ({ sweep: { ...sweep, ...changes } }));

    /** Takes a report in place of the one before, or as the newest. */
    const take = (report: SweepReport) => {
      const { entries } = get().sweep;
      const isKnown = entries.some(({ id }) => id === report.id);
      patch({
        entries: isKnown ? entries.map((one) => (one.id === report.id ? report : one)) : [report, ...entries],
      });
    };

    /** Reads the curves of a sweep's runs as far as they are on disk. */
    const readCurves = async (report: SweepReport) => {
      const ids = report.rows.flatMap(({ run }) => (run === null ? [] : [run]));
      const read = async (id: string): Promise<[string, CurveRecord[]][]> => {
        try {
          return [[id, (await call.runDetail(id)).curves]];
        } catch {
          // A run that was deleted has none.
          return [];
        }
      };
      const curves = Object.fromEntries((await Promise.all(ids.map(read))).flat());
      if (shownSweep(get())?.id === report.id) patch({ curves });
    };

    const follow = async (begin: (hear: (event: SweepEvent) => void) => Promise<SweepReport>) => {
      let id: string | null = null;
      let current: number | null = null;
      let last: SweepReport | null = null;
      /** Tells the run slice which run trains, and what it reports. */
      const hearing =
        (onRun: (run: StartedRun) => void, onEvent: (event: TrainEvent) => void) => (event: SweepEvent) => {
          if (event.kind === 'run') return onEvent(event.event);
          const { report } = event;
          last = report;
          id = report.id;
          take(report);
          patch({ training: report.id, shown: report.id });
          const row = report.rows.find(({ index }) => index === report.training);
          const isNew = row !== undefined && row.index !== current;
          current = report.training;
          if (row && isNew) {
            const { recipe, run, totalSteps } = row;
            onRun({
              recipe,
              id: run,
              totalSteps,
              curves: run === null ? [] : (get().sweep.curves[run] ?? []),
            });
          }
          // A run has reached its rung or its end.
          if (report.training === null) void readCurves(report);
        };
      patch({ error: null });
      const ended = await get().trainRuns<SweepReport>({
        start: (onRun, onEvent) => begin(hearing(onRun, onEvent)),
        resume: (onRun, onEvent) => {
          // It goes on with a run whose checkpoint is read again.
          current = null;
          return call.resumeSweep(id!, hearing(onRun, onEvent));
        },
        isStored: () => id !== null,
      });
      patch({ training: null });
      const report = ended ?? last;
      if (ended) {
        take(ended);
        holds(ended);
        if (ended.over) get().announce({ kind: 'sweepDone', runs: ended.rows.length });
      } else if (report) take({ ...report, training: null, busy: false });
      if (report) await readCurves(report);
      await get().refreshSweeps();
    };

    /** Records which parameters the engine holds: of a sweep that is over, the best run's. */
    const holds = ({ rows, best, over }: SweepReport) => {
      const row = rows.find(({ index }) => index === best);
      if (!over || !row) return;
      const { run, steps, recipe } = row;
      set({
        adapter: { origin: 'trained', saved: false, steps, run, method: recipe.method },
        exporting: emptyExporting,
      });
      void get().askSizes();
    };

    return {
      sweep: emptySweep,
      async refreshSweeps() {
        try {
          patch({ entries: await call.sweeps() });
          const shown = shownSweep(get());
          if (shown) await readCurves(shown);
        } catch (error) {
          patch({ error: noteOf(error) });
        }
      },
      async showSweep(id) {
        patch({ shown: id, curves: {} });
        const shown = shownSweep(get());
        if (shown) await readCurves(shown);
      },
      setAxis(at, change) {
        patch({ axes: get().sweep.axes.map((axis, i) => (i === at ? { ...axis, ...change } : axis)) });
      },
      addAxis() {
        const { axes } = get().sweep;
        const next = usualAxes.find(({ key }) => axes.every((axis) => axis.key !== key));
        const unused = sweptKeys.find((key) => axes.every((axis) => axis.key !== key));
        const axis = next ?? (unused && { key: unused, values: '' });
        if (axis) patch({ axes: [...axes, axis] });
      },
      removeAxis: (at) => patch({ axes: get().sweep.axes.filter((_, i) => i !== at) }),
      setHalving: (halving) => patch({ halving }),
      async startSweep() {
        const maySweep = () => !busyWith(get()) && !isReadOnly(get());
        const { draft: recipe } = get().recipe;
        const begin = async () => {
          const { axes, halving } = get().sweep;
          await follow(async (hear) => {
            const { train, evaluation } = await workers.data.call.rows();
            const { address, changes } = get().dataset;
            const validationFile = get().validation.summary?.name;
            const { edited, excluded, added } = changes;
            const request = {
              recipe,
              axes,
              halving,
              dataFile: address,
              rows: train,
              evalRows: evaluation,
              ...(edited + excluded + added > 0 && {
                changes: { edited, excluded, ...(added > 0 && { added }) },
              }),
              ...(validationFile !== undefined && { validationFile }),
            };
            return call.sweep(request, hear);
          });
        };
        await get().onceAllowed(recipe, maySweep, () => get().unlessUnsaved('retrain', begin));
      },
      async resumeSweep(id) {
        const found = get().sweep.entries.find((one) => one.id === id);
        const run = found ? runOfSweep(found) : null;
        if (run === null) return;
        const goOn = async () => {
          if (!(await get().openRunModel(run))) return;
          await get().showSweep(id);
          await follow((hear) => call.resumeSweep(id, hear));
        };
        // Where rewards are varied, the functions of the other runs are asked about when they are run.
        await get().onceAllowed(
          found?.rows[0]?.recipe ?? null,
          () => !busyWith(get()),
          () => get().unlessUnsaved('retrain', goOn),
        );
      },
      async removeSweep(id) {
        try {
          await call.removeSweep(id);
          patch({ shown: null, curves: {} });
        } catch (error) {
          patch({ error: noteOf(error) });
        }
        await get().refreshSweeps();
      },
      takeRecipe: (recipe) => get().setFields(recipe),
      dismissSweepError: () => patch({ error: null }),
    };
  };

/** The sweep that is shown: the chosen one, or the newest. */
export function shownSweep({ sweep }: Pick<Studio, 'sweep'>): SweepReport | null {
  const { entries, shown } = sweep;
  return entries.find(({ id }) => id === shown) ?? entries[0] ?? null;
}

/** How many runs the next sweep has. */
export function plannedRuns({ sweep }: Pick<Studio, 'sweep'>): number {
  return sweep.axes.reduce((product, { values }) => product * readValues(values).length, 1);
}

/** The newest sweep that is not over, and that no tab trains. */
export function unfinishedSweep({ sweep }: Pick<Studio, 'sweep'>): SweepReport | null {
  const isOpen = ({ over, busy, id }: SweepReport) => !over && !busy && id !== sweep.training;
  return sweep.entries.find(isOpen) ?? null;
}

/** A stored run of a sweep, by which its model is found; null where none has begun. */
export function runOfSweep({ rows }: SweepReport): string | null {
  return rows.find(({ run }) => run !== null)?.run ?? null;
}
