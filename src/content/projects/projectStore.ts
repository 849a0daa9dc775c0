import { GraftError } from '../../base/lib/errors.ts';
import type { ByteSource, Directory, Folder } from '../../base/storage/types.ts';
import { Slots } from '../runs/slots.ts';
import { noRows, parseProject, parseRows, type Project, type ProjectRows } from './project.ts';

/** A project in the list. */
export interface ProjectEntry {
  id: string;
  /** Null where both copies are damaged or of a later version: it can only be deleted. */
  project: Project | null;
}

/** Where copies of data files are, each named by its content and shared by all projects. */
const FILES = 'files';
/** Copied at once, so that a copy of any size takes little memory. */
const PIECE = 4 << 20;

/**
 * The projects of a browser: `<id>/project.a, project.b, rows-<hash>.a, …`, and `files/<hash>`. Every change is written
 * to one of two slots, so a crash at any point leaves the state before or after.
 */
export class ProjectStore {
  readonly #root: Directory;
  readonly #slots = new Map<string, Promise<Slots<unknown>>>();
  /** The copies of files that each project has, by what was written here. */
  readonly #copies = new Map<string, string[]>();
  /** Writes come one after the other: two of the same slots would meet in one file. */
  #writing: Promise<unknown> = Promise.resolve();

  /** @param root the folder `projects` */
  constructor(root: Directory) {
    this.#root = root;
  }

  /** All projects, the latest changed first. */
  async list(): Promise<ProjectEntry[]> {
    const ids = (await this.#root.directories()).filter((id) => id !== FILES);
    const entries: ProjectEntry[] = [];
    for (const id of ids) {
      const { values, unreadable } = await (await this.#projectSlots(id)).read();
      const project = values[0]?.value ?? null;
      // Nothing was written there yet: another tab is about to.
      if (project !== null || unreadable.length > 0) entries.push({ id, project });
    }
    return entries.sort((a, b) => (b.project?.changedAt ?? 0) - (a.project?.changedAt ?? 0));
  }

  /** Throws `projects.not_found`, `projects.damaged`. */
  async read(id: string): Promise<Project> {
    if (!(await this.#root.directories()).includes(id)) throw new GraftError('projects.not_found', {});
    const { values } = await (await this.#projectSlots(id)).read();
    if (!values[0]) throw new GraftError('projects.damaged', {});
    return values[0].value;
  }

  /** Writes a project; the owner alone may. Copies of files that it no longer has are removed. */
  write(project: Project): Promise<void> {
    return this.#inTurn(async () => {
      const slots = await this.#projectSlots(project.id);
      const before = this.#copies.get(project.id) ?? copiesOf((await slots.read()).values[0]?.value);
      await slots.write(project);
      const now = copiesOf(project);
      this.#copies.set(project.id, now);
      for (const copy of before) if (!now.includes(copy)) await this.#dropUnused(copy);
    });
  }

  /** What was done to the rows of a data file, by its content; nothing where it was never changed. */
  async rows(id: string, hash: string): Promise<ProjectRows> {
    const { values } = await (await this.#rowsSlots(id, hash)).read();
    return values[0]?.value ?? noRows;
  }

  writeRows(id: string, hash: string, rows: ProjectRows): Promise<void> {
    return this.#inTurn(async () => (await this.#rowsSlots(id, hash)).write(rows));
  }

  /** The data files whose rows were changed, by their content. */
  async changedFiles(id: string): Promise<string[]> {
    const names = await (await this.#root.directory(id)).list();
    return [...new Set(names.flatMap((name) => /^rows-(\w+)\.[ab]$/.exec(name)?.[1] ?? []))];
  }

  /** Copies a project with its rows, not its runs: those go on with the first one. */
  async duplicate(id: string, copy: Pick<Project, 'id' | 'name' | 'createdAt' | 'changedAt'>): Promise<void> {
    const project = await this.read(id);
    for (const hash of await this.changedFiles(id))
      await this.writeRows(copy.id, hash, await this.rows(id, hash));
    // Last, as only this makes it a project.
    await this.write({ ...project, ...copy, example: false, runs: [] });
  }

  /** Deletes a project, and its copies of files unless another project has them too; its runs stay. */
  async remove(id: string): Promise<void> {
    await this.#inTurn(async () => {
      const copies = copiesOf((await (await this.#projectSlots(id)).read()).values[0]?.value);
      for (const key of [...this.#slots.keys()]) if (key.startsWith(`${id}/`)) this.#slots.delete(key);
      this.#copies.delete(id);
      await this.#root.removeDirectory(id);
      for (const copy of copies) await this.#dropUnused(copy);
    });
  }

  /** Copies a data file, named by its content; one that is there already is not copied again. */
  async keep(hash: string, file: Pick<ByteSource, 'size' | 'read'>): Promise<void> {
    const files = await this.#files();
    if ((await files.list()).includes(hash)) return;
    const sink = await files.create(hash);
    try {
      for (let at = 0; at < file.size; at += PIECE)
        await sink.write(await file.read(at, Math.min(PIECE, file.size - at)));
      await sink.close();
    } catch (error) {
      await sink.abort();
      throw error;
    }
  }

  /** A copied data file. Throws `storage.not_found`. */
  async file(hash: string): Promise<ByteSource> {
    return (await this.#files()).open(hash);
  }

  /** Removes a copy of data that no project has. */
  async #dropUnused(hash: string): Promise<void> {
    const entries = await this.list();
    // One that cannot be read may have it.
    if (entries.some(({ project }) => project === null || copiesOf(project).includes(hash))) return;
    const files = await this.#files();
    if ((await files.list()).includes(hash)) await files.remove(hash);
  }

  #files(): Promise<Folder & Pick<Directory, 'create' | 'remove'>> {
    return this.#root.directory(FILES);
  }

  #projectSlots(id: string): Promise<Slots<Project>> {
    return this.#slotsOf(id, 'project', parseProject) as Promise<Slots<Project>>;
  }

  #rowsSlots(id: string, hash: string): Promise<Slots<ProjectRows>> {
    return this.#slotsOf(id, `rows-${hash}`, parseRows) as Promise<Slots<ProjectRows>>;
  }

  #slotsOf(id: string, name: string, parse: (json: unknown) => unknown): Promise<Slots<unknown>> {
    const key = `${id}/${name}`;
    const known = this.#slots.get(key);
    if (known) return known;
    const made = this.#root.directory(id).then((directory) => new Slots(directory, name, parse));
    this.#slots.set(key, made);
    return made;
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#writing.then(work, work);
    this.#writing = done.catch(() => undefined);
    return done;
  }
}

/** The names of a project's copies of its data and its validation file. */
export function copiesOf(project: Project | null | undefined): string[] {
  const sources = [project?.data?.source, project?.validation?.source];
  return [...new Set(sources.flatMap((source) => (source?.kind === 'kept' ? [source.hash] : [])))];
}
