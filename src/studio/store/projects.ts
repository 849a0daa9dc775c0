import { GraftError } from '../../base/lib/errors.ts';
import { forgetHandle, handleOf, storeHandle } from '../../hosts/browser/handles.ts';
import type { Encoding } from '../../hosts/browser/dataProtocol.ts';
import type { Project } from '../../hosts/browser/projectsProtocol.ts';
import { noteOf } from './errorNote.ts';
import { isWorthKeeping, modelSourceOf, projectOf } from './projectState.ts';
import { ownProject } from './projectLock.ts';
import { lastProject, pendingProject, rememberPending, rememberProject } from './projectMemory.ts';
import { emptyBatch } from './state/batch.ts';
import { emptyEvaluation } from './state/evaluation.ts';
import { emptyDataset } from './state/dataset.ts';
import { emptyProjects, type OpenProject, type ProjectsSlice, type ProjectsState } from './state/projects.ts';
import { emptyTryout } from './state/tryout.ts';
import { emptyValidation } from './state/validation.ts';
import { busyWith, type SliceOf } from './state.ts';

/** Time from a change to its save, in ms: not with every keystroke. */
const SAVE_PAUSE = 400;

export const createProjectsSlice: SliceOf<ProjectsSlice> =
  ({ workers }) =>
  (set, get) => {
    const { call } = workers.data;
    const patch = (changes: Partial<ProjectsState>) =>
      set(({ projects }) => ({ projects: { ...projects, ...changes } }));
    /** As it was stored last. */
    let stored: Project | null = null;
    let release: () => void = () => undefined;
    /** Ends the waiting for a project that another tab has. */
    let waiting: AbortController | null = null;
    /** Runs while changes wait to be saved. */
    let pause: ReturnType<typeof setTimeout> | null = null;
    const unpause = () => {
      if (pause !== null) clearTimeout(pause);
      pause = null;
    };
    let storedHandle: FileSystemDirectoryHandle | null = null;
    /** Ends when the project that is being opened is there. */
    let opening: Promise<void> = Promise.resolve();
    /** The project to be opened after the one that is being opened. */
    let next: string | null = null;
    let creating: Promise<OpenProject | null> | null = null;
    /** Saves come one after the other. */
    let saving: Promise<void> = Promise.resolve();

    const leave = () => {
      unpause();
      storedHandle = null;
      release();
      release = () => undefined;
      waiting?.abort();
      waiting = null;
      stored = null;
    };

    /** Empties all that a project consists of. */
    const empty = () => {
      get().closeModel();
      if (get().validation.source) void get().openValidation(null);
      set({
        dataset: emptyDataset,
        validation: emptyValidation,
        samplePrompts: [],
        tryout: emptyTryout,
        batch: emptyBatch,
        evaluation: emptyEvaluation,
        example: false,
      });
      get().restoreRecipe({});
      patch({ open: null, missingModel: null, missingData: null, notSaved: null, error: null });
    };

    const opened = (project: Project, readOnly: boolean) => {
      const { id, name, example, createdAt, runs } = project;
      patch({ open: { id, name, example, createdAt, runs, readOnly } });
      rememberProject(id);
    };

    /** Makes a project of what is on the page; null where nothing can be stored. */
    const create = async (example = false): Promise<OpenProject | null> => {
      if (!(await call.projects().catch(() => null))) return null;
      const now = Date.now();
      const id = newId(now);
      release = (await ownProject(id)) ?? release;
      const open = { id, name: '', example, createdAt: now, runs: [], readOnly: false };
      patch({ open });
      rememberProject(id);
      return open;
    };

    const ensure = (): Promise<OpenProject | null> => {
      const { open } = get().projects;
      if (open) return Promise.resolve(open);
      creating ??= create().finally(() => (creating = null));
      return creating;
    };

    const write = (project: Project): Promise<void> => {
      if (sameProject(project, stored)) {
        // A change that came to nothing leaves nothing to be stored.
        saving = saving.then(() => {
          if (pause === null) rememberPending(null);
        });
        return saving;
      }
      const { open } = get().projects;
      if (open?.id === project.id) patch({ open: { ...open, runs: project.runs } });
      stored = project;
      saving = saving.then(async () => {
        try {
          await call.writeProject(project);
          if (pause === null) rememberPending(null);
          const others = get().projects.entries.filter(({ id }) => id !== project.id);
          patch({ notSaved: null, entries: [{ id: project.id, project }, ...others] });
        } catch (error) {
          if (stored === project) stored = null;
          patch({ notSaved: noteOf(error) });
        }
      });
      return saving;
    };

    const restoreValidation = async ({ name, source }: NonNullable<Project['validation']>) => {
      if (source.kind === 'dropped') return patch({ missingData: name });
      await get().openValidation({ ...source, name });
    };

    const restoreData = async ({ data, validation }: Project) => {
      if (validation) await restoreValidation(validation);
      if (!data) return;
      const { name, source, rowsField, encoding, mapping } = data;
      if (source.kind === 'dropped') return patch({ missingData: name });
      const chosen = encoding === undefined ? {} : { encoding: encoding as Encoding };
      await get().openDataset({ ...source, name, ...chosen }, rowsField ?? undefined, mapping);
      const { summary, error } = get().dataset;
      if (!summary && error?.code === 'storage.not_found') {
        patch({ missingData: name });
        get().dismissDatasetError();
      }
    };

    const restoreModel = async ({ id, model }: Project) => {
      if (!model) return;
      const source = modelSourceOf(model);
      if (source) {
        const facts = model.kind === 'hub' ? model.facts : undefined;
        if (source.kind === 'hub') await get().hubReady();
        return get().chooseModel(source, facts);
      }
      const handle = await handleOf(id);
      if (handle && (await isAllowed(handle)))
        return get().chooseModel({ kind: 'directory', name: model.name, handle });
      patch({ missingModel: { name: model.name, handle } });
    };

    /** Opens a project with all it had, after one that is being opened. @param owned releases it, if this tab owns it already */
    const restore = (id: string, device: Promise<void>, owned?: () => void): Promise<void> => {
      opening = opening.then(() => restoreNow(id, device, owned));
      return opening;
    };

    const restoreNow = async (id: string, device: Promise<void>, owned?: () => void) => {
      patch({ restoring: true });
      try {
        const read = await call.readProject(id);
        const project = pendingProject(read);
        const free = owned ?? (await ownProject(id));
        leave();
        empty();
        release = free ?? release;
        opened(project, free === null);
        if (free === null) takeWhenFree(id);
        stored = project;
        get().restoreRecipe(project.recipe);
        set({ samplePrompts: project.samplePrompts });
        if (project.request) get().setRequest(project.request);
        set({
          tryout: { ...get().tryout, turns: project.chat, sides: project.sides },
          evaluation: { ...get().evaluation, votes: project.votes },
        });
        await restoreData(project);
        await device;
        await restoreModel(project);
      } catch (error) {
        patch({ error: noteOf(error) });
      } finally {
        patch({ restoring: false });
        get().projectChanged();
        const after = next;
        next = null;
        if (after !== null) void get().openProject(after);
      }
    };

    /** The other tab may be closed: then this one has the project as that tab left it. */
    const takeWhenFree = (id: string) => {
      const stop = new AbortController();
      waiting = stop;
      void ownProject(id, stop.signal).then(async (free) => {
        if (!free) return;
        await opening;
        if (waiting === stop && !busyWith(get())) void restore(id, Promise.resolve(), free);
        else free();
      });
    };

    const act = async (work: () => Promise<void>) => {
      patch({ error: null });
      try {
        await work();
      } catch (error) {
        patch({ error: noteOf(error) });
      }
      await get().refreshProjects();
    };

    /** Changes a project that is not open here. Throws `projects.in_use` where another tab has it, which would undo it. */
    const asOwner = async (id: string, work: () => Promise<void>) => {
      const free = await ownProject(id);
      if (!free) throw new GraftError('projects.in_use', {});
      try {
        await work();
      } finally {
        free();
      }
    };

    return {
      projects: emptyProjects,
      async startProjects(wanted, device) {
        // Until it is known what is opened, the address is what says so.
        patch({ restoring: true });
        await get().refreshProjects();
        const { entries } = get().projects;
        const id = wanted ?? lastProject();
        if (id !== null && entries.some((entry) => entry.id === id && entry.project))
          return restore(id, device);
        patch({
          restoring: false,
          ...(wanted !== null && { error: noteOf(new GraftError('projects.not_found', {})) }),
        });
        get().projectChanged();
      },
      async refreshProjects() {
        try {
          patch({ entries: await call.projects(), known: true });
        } catch {
          // Private windows may deny storage: the page then works without projects.
          patch({ entries: [], known: true });
        }
      },
      async openProject(id) {
        // One that is asked for while another is being opened, by a link say, comes after it.
        if (get().projects.restoring) return void (next = id);
        if (busyWith(get()) || get().projects.open?.id === id) return;
        await get().unlessUnsaved('discard', async () => {
          const saved = get().saveProject();
          // At once, so that the address keeps naming the project that is being opened.
          patch({ restoring: true });
          await saved;
          await restore(id, Promise.resolve());
        });
      },
      async newProject() {
        if (busyWith(get()) || get().projects.restoring) return;
        await get().unlessUnsaved('discard', async () => {
          await get().saveProject();
          leave();
          empty();
          rememberProject(null);
        });
      },
      async openExampleProject() {
        await get().saveProject();
        leave();
        empty();
        const known = get().projects.entries.find(({ project }) => project?.example)?.project;
        const free = known ? await ownProject(known.id) : null;
        if (!known || !free) return void (await create(true));
        release = free;
        opened({ ...known, runs: known.runs }, false);
      },
      leaveExample(what) {
        const { open, restoring } = get().projects;
        // Where nothing can be stored, the example has no project.
        if (restoring || !(open?.example ?? get().example)) return;
        void get().saveProject();
        leave();
        patch({ open: null });
        set({ samplePrompts: [], example: false });
        set({ tryout: emptyTryout, batch: emptyBatch, evaluation: emptyEvaluation });
        get().restoreRecipe({});
        if (what === 'model') set({ dataset: emptyDataset });
        else get().forgetRun();
      },
      async renameProject(id, name) {
        const { open } = get().projects;
        if (open?.id === id && !open.readOnly) {
          patch({ open: { ...open, name } });
          return get().saveProject();
        }
        await act(() =>
          asOwner(id, async () => call.writeProject({ ...(await call.readProject(id)), name })),
        );
      },
      duplicateProject: (id, name) =>
        act(async () => {
          await get().saveProject();
          const now = Date.now();
          await call.duplicateProject(id, { id: newId(now), name, createdAt: now, changedAt: now });
        }),
      removeProject(id, name) {
        const proceed = () =>
          void act(async () => {
            const { open } = get().projects;
            if (open?.id === id && !open.readOnly) {
              if (busyWith(get())) return;
              leave();
              empty();
              rememberProject(null);
            }
            await asOwner(id, async () => {
              await call.removeProject(id);
              await forgetHandle(id);
            });
          });
        set({ question: { kind: 'removeProject', name, proceed } });
      },
      exportProject: (id, name) =>
        act(async () => {
          await get().saveProject();
          patch({ exported: { id, file: await call.exportProject(id, name) } });
        }),
      importProject: (file) =>
        act(async () => {
          const now = Date.now();
          const id = newId(now);
          await call.importProject(file, { id, changedAt: now });
          await get().refreshProjects();
          await get().openProject(id);
        }),
      async allowModel() {
        const { missingModel } = get().projects;
        if (!missingModel?.handle || busyWith(get())) return;
        const { name, handle } = missingModel;
        // Refused: then the user chooses it again.
        if (!(await isAllowed(handle, true))) return patch({ missingModel: { name, handle: null } });
        await get().chooseModel({ kind: 'directory', name, handle });
      },
      async attachData(rowsField) {
        const open = await ensure();
        if (!open) return null;
        try {
          return await call.attachData(open.id, rowsField, !open.readOnly);
        } catch (error) {
          patch({ notSaved: noteOf(error) });
          return null;
        }
      },
      async attachValidation() {
        const open = await ensure();
        if (!open) return null;
        try {
          return await call.attachValidation(!open.readOnly);
        } catch (error) {
          patch({ notSaved: noteOf(error) });
          return null;
        }
      },
      async saveProject() {
        unpause();
        const state = get();
        const { open, restoring } = state.projects;
        if (restoring || open?.readOnly || (!open && !isWorthKeeping(state))) return;
        if (open) return write(projectOf(state, open, stored, Date.now()));
        const made = await ensure();
        // Elsewhere by now, if it took long.
        if (made && get().projects.open?.id === made.id)
          await write(projectOf(get(), made, stored, Date.now()));
      },
      projectChanged() {
        const { open, restoring, missingModel, missingData } = get().projects;
        const { model, dataset } = get();
        if (missingModel && model.source) patch({ missingModel: null });
        if (missingData !== null && dataset.summary) patch({ missingData: null });
        if (open && model.handle && model.handle !== storedHandle) {
          storedHandle = model.handle;
          void storeHandle(open.id, model.handle);
        }
        if (restoring || open?.readOnly) return;
        unpause();
        pause = setTimeout(() => void get().saveProject(), SAVE_PAUSE);
        // A tab that is closed has no time for its worker: what is written at once is read with the next visit.
        if (open) rememberPending(projectOf(get(), open, stored, Date.now()));
      },
      dismissProjectsError: () => patch({ error: null, notSaved: null }),
    };
  };

async function isAllowed(handle: FileSystemDirectoryHandle, ask = false): Promise<boolean> {
  const access = handle as FileSystemDirectoryHandle & {
    queryPermission?(options: { mode: 'read' }): Promise<PermissionState>;
    requestPermission?(options: { mode: 'read' }): Promise<PermissionState>;
  };
  const state = await (ask
    ? access.requestPermission?.({ mode: 'read' })
    : access.queryPermission?.({ mode: 'read' }));
  return state === undefined || state === 'granted';
}

function sameProject(a: Project, b: Project | null): boolean {
  return b !== null && JSON.stringify({ ...a, changedAt: 0 }) === JSON.stringify({ ...b, changedAt: 0 });
}

/** `20260131-142500-3f9a2c`: sorted by time, and different in two tabs. */
function newId(now: number): string {
  const time = new Date(now).toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
  const random = crypto.getRandomValues(new Uint32Array(1))[0]! & 0xffffff;
  return `${time}-${random.toString(16).padStart(6, '0')}`;
}
