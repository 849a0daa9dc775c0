import { GraftError } from '../../base/lib/errors.ts';
import type {
  DataRole,
  DroppedFile,
  FolderItem,
  IntakeItem,
  ItemFiles,
  RefusedItem,
} from '../../hosts/browser/intakeProtocol.ts';
import { noteOf } from './errorNote.ts';
import { waitReason } from './intakeWaits.ts';
import { emptyIntake, type IntakeSlice, type IntakeState, type QueuedItem } from './state/intake.ts';
import type { SliceOf } from './state.ts';

export const createIntakeSlice: SliceOf<IntakeSlice> =
  ({ workers }) =>
  (set, get) => {
    const { call } = workers.data;
    const patch = (changes: Partial<IntakeState>) =>
      set(({ intake }) => ({ intake: { ...intake, ...changes } }));
    let lastId = 0;

    /** Shows that files are being looked at until `work` is done. */
    const looking = async <T>(work: Promise<T>): Promise<T> => {
      patch({ looking: get().intake.looking + 1 });
      return work.finally(() => patch({ looking: get().intake.looking - 1 }));
    };

    const refuse = (error: unknown) =>
      patch({ refused: [...get().intake.refused, { id: ++lastId, error: noteOf(error) }] });

    const enqueue = (
      items: readonly IntakeItem[],
      files: DroppedFile[],
      folder: FileSystemDirectoryHandle | null,
      validation?: File,
    ) => {
      const isOpenable = (item: IntakeItem): item is QueuedItem['item'] => item.kind !== 'refused';
      const refused = items.filter((item): item is RefusedItem => item.kind === 'refused');
      for (const { code, params } of refused) refuse(new GraftError(code, params));
      const queued = items
        .filter(isOpenable)
        .map((item): QueuedItem => ({ id: ++lastId, name: titleOf(item), item, files, folder, validation }));
      // Models dropped together are alternatives: only one is open at a time.
      const models = queued
        .filter(({ item }) => item.kind === 'model')
        .sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
      const others = queued.filter(({ item }) => item.kind !== 'model');
      const queue = [...get().intake.queue, ...(models.length === 1 ? models : []), ...others];
      patch({ queue, ...(models.length > 1 && { question: { kind: 'models' as const, options: models } }) });
    };

    /** The files of an item, unpacked where they are in a zip. */
    const filesOf = async ({ files }: QueuedItem, { zip, paths }: ItemFiles): Promise<File[]> => {
      const named = (path: string) => files.find((file) => file.path === path)!.file;
      return zip === null ? paths.map(named) : call.unzip(named(zip), paths);
    };

    const openFolder = async (queued: QueuedItem, item: FolderItem) => {
      const files = await filesOf(queued, item);
      if (item.kind === 'job') {
        get().showView('train');
        const start = item.folder === '' ? 0 : item.folder.length + 1;
        const named = files.map((file, i) => ({ path: item.paths[i]!.slice(start), file }));
        return get().importJob(item.name, named);
      }
      const source = { kind: 'files' as const, name: item.name, files };
      if (item.kind === 'adapter') {
        get().showView('chat');
        return get().openAdapter(source);
      }
      get().showView('model');
      const { folder } = queued;
      const isOwn = item.zip === null && folder !== null && folder.name === item.folder;
      return get().chooseModel(source, undefined, isOwn ? folder : null);
    };

    const openData = async (queued: QueuedItem) => {
      const { item } = queued;
      if (item.kind !== 'data') return;
      const files = (await Promise.all(item.files.map((file) => filesOf(queued, file)))).flat();
      get().showView('data');
      if (files.length === 1) {
        await get().openDataset({ kind: 'file', file: files[0]! });
        if (queued.validation) await get().openValidation({ kind: 'file', file: queued.validation });
        return;
      }
      const described = await call.describeData(files);
      const split = splitOf(item.files.map(({ role }) => role));
      patch({ question: { kind: 'data', item: queued, files, ...described, split } });
    };

    const open = async (queued: QueuedItem) => {
      const { item } = queued;
      switch (item.kind) {
        case 'model':
        case 'adapter':
        case 'job':
          return openFolder(queued, item);
        case 'data':
          return openData(queued);
        default: {
          const [file] = await filesOf(queued, item);
          if (item.kind === 'project') return get().importProject(file!);
          get().showView(item.kind === 'run' ? 'train' : 'recipe');
          if (item.kind === 'run') return get().importRun(file!);
          if (item.kind === 'recipe') return get().loadRecipe(file!);
          return get().readFlags(await file!.text());
        }
      }
    };

    return {
      intake: emptyIntake,
      async takeFiles(given, folder = null) {
        // Empty folders have no files, and hidden ones are nobody's data.
        const files = given.filter(({ path }) => !path.split('/').some((part) => part.startsWith('.')));
        if (files.length === 0) {
          return refuse(new GraftError('intake.nothing', { name: folder?.name ?? given[0]?.path ?? '' }));
        }
        patch({ unused: [] });
        try {
          const { items, unused } = await looking(call.sniffFiles(files));
          if (unused.length > 0) patch({ unused });
          enqueue(items, files, folder);
        } catch (error) {
          refuse(error);
        }
        get().advanceIntake();
      },
      refuseFiles: refuse,
      removeQueued: (id) => patch({ queue: get().intake.queue.filter((queued) => queued.id !== id) }),
      answerIntake(answer) {
        const { question, queue } = get().intake;
        patch({ question: null });
        if (!question || answer === null) return;
        if (question.kind === 'models') {
          if (typeof answer === 'number') patch({ queue: [question.options[answer]!, ...queue] });
          return;
        }
        const { files, parts, split } = question;
        const validation = answer === 'split' && split ? files[split.validation] : undefined;
        const chosen =
          answer === 'join'
            ? looking(call.joinData(files, joinedName(parts.map(({ name }) => name))))
            : Promise.resolve(files[answer === 'split' ? split!.train : answer]!);
        // In line again: a training may have begun meanwhile.
        void chosen.then((file) => {
          const one = { name: file.name, role: null, paths: [file.name], zip: null };
          enqueue([{ kind: 'data', files: [one] }], [{ path: file.name, file }], null, validation);
        }, refuse);
      },
      dismissRefused: (id) => patch({ refused: get().intake.refused.filter((one) => one.id !== id) }),
      dismissUnused: () => patch({ unused: [] }),
      advanceIntake() {
        const state = get();
        const { queue, opening } = state.intake;
        if (opening !== null) return;
        const next = queue.find((queued) => waitReason(state, queued) === null);
        if (!next) return;
        patch({ queue: queue.filter(({ id }) => id !== next.id), opening: next });
        void open(next)
          .catch(refuse)
          .finally(() => patch({ opening: null }));
      },
    };
  };

/** The files to train on and to validate with, where each is named after one; a test file validates if nothing else does. */
function splitOf(roles: readonly (DataRole | null)[]): { train: number; validation: number } | null {
  const only = (role: DataRole) => {
    const at = roles.indexOf(role);
    return at >= 0 && roles.lastIndexOf(role) === at ? at : -1;
  };
  const [train, validation] = [
    only('train'),
    roles.includes('validation') ? only('validation') : only('test'),
  ];
  return train >= 0 && validation >= 0 ? { train, validation } : null;
}

/** What an item is called while it waits. */
function titleOf(item: QueuedItem['item']): string {
  if (item.kind !== 'data') return item.name;
  return item.files.map(({ name }) => name).join(', ');
}

/** `a + b.jsonl`, or `a + 3.jsonl` of many. */
function joinedName(names: readonly string[]): string {
  const stems = names.map((name) => name.replace(/(\.(gz|zst|jsonl?|ndjson|csv|tsv|parquet|txt))+$/i, ''));
  return `${stems.length <= 3 ? stems.join(' + ') : `${stems[0]} + ${stems.length - 1}`}.jsonl`;
}
