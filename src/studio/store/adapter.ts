import type { ModelSource, ShelvedAdapter } from '../../hosts/browser/protocol.ts';
import { errorOf } from '../../base/lib/errorFacts.ts';
import { noteOf } from './errorNote.ts';
import { emptyExporting } from './state/exporting.ts';
import { busyWith, isTraining, isUnsaved, type SliceOf } from './state.ts';
import type { AdapterSlice, Shelved } from './state/adapter.ts';

export const createAdapterSlice: SliceOf<AdapterSlice> =
  ({ workers }) =>
  (set, get) => {
    const { call } = workers.engine;
    /** The action after confirmation. */
    let agreed = 0;

    const proceed = (action: () => Promise<void>) => {
      agreed += 1;
      void action().finally(() => (agreed -= 1));
    };

    /** Makes an adapter, of the shelf or new on it, the adapter of now. */
    const hold = async (made: () => Promise<Shelved>) => {
      set({ openingAdapter: true, adapterError: null });
      try {
        const shelved = await made();
        const shelf = get().shelf.includes(shelved) ? get().shelf : [...get().shelf, shelved];
        const adapter = { origin: 'opened' as const, saved: true, ...shelved };
        set({ shelf, adapter, exporting: emptyExporting });
        void get().askSizes();
      } catch (error) {
        set({ adapterError: noteOf(error) });
      } finally {
        set({ openingAdapter: false });
      }
    };

    const opened = async (source: ModelSource) => shelvedOf(source.name, await call.openAdapter(source));

    return {
      adapter: null,
      shelf: [],
      openingAdapter: false,
      adapterError: null,
      question: null,
      async openAdapter(source) {
        if (busyWith(get())) return;
        await get().unlessUnsaved('discard', () => hold(() => opened(source)));
      },
      async findAdapter(reference) {
        if (busyWith(get())) return;
        await get().unlessUnsaved('discard', () =>
          hold(async () => {
            await get().hubReady();
            const { repo, endpoint, commit, license } = await workers.hub.call.lookUpAdapter(reference);
            return opened({ kind: 'hub', name: repo.split('/').at(-1)!, endpoint, repo, commit, license });
          }),
        );
      },
      async takeShelved(id) {
        const shelved = get().shelf.find((one) => one.id === id);
        if (!shelved || busyWith(get())) return;
        await get().unlessUnsaved('discard', () =>
          hold(async () => {
            await call.takeShelved(id);
            return shelved;
          }),
        );
      },
      async removeShelved(id) {
        if (busyWith(get())) return;
        const { left, right } = get().tryout.sides;
        if (left.kind === 'shelved' && left.id === id) get().setSide('left', null);
        if (right?.kind === 'shelved' && right.id === id) get().setSide('right', { kind: 'adapter' });
        set({ shelf: get().shelf.filter((one) => one.id !== id) });
        // What is lost with the engine is removed already.
        await call.removeShelved(id).catch(() => undefined);
      },
      async mixAdapters(mix) {
        if (busyWith(get())) return;
        const name = mix.adapters.map((one) => one.name).join(' + ');
        await get().unlessUnsaved('discard', () =>
          hold(async () => shelvedOf(name, await call.mixAdapters(mix))),
        );
      },
      refuseAdapter: (error) => set({ adapterError: noteOf(error) }),
      dismissAdapterError: () => set({ adapterError: null }),
      async unlessUnsaved(kind, action) {
        if (isUnsaved(get()) && agreed === 0) set({ question: { kind, proceed: () => proceed(action) } });
        else await action();
      },
      answerQuestion(yes) {
        const { question } = get();
        set({ question: null });
        if (yes) question?.proceed();
      },
      engineLost(error) {
        const { model, run } = get();
        set({ adapter: null, shelf: [] });
        if (!model.summary && model.status !== 'opening') return;
        // Training of a stored run opens the model itself, and continues.
        if (isTraining(get()) && run.id !== null) return set({ run: { ...run, modelLost: true } });
        const lost = { status: 'none', opening: '', summary: null, tokenizer: 'none' } as const;
        set({ model: { ...model, ...lost, error: noteOf(error) } });
      },
    };
  };

function shelvedOf(name: string, { warnings, ...facts }: ShelvedAdapter): Shelved {
  return { ...facts, name, warnings: warnings.map((warning) => noteOf(errorOf(warning))) };
}
