import { officialEndpoint } from '../../content/hub/hub.ts';
import { contentHashOf, rowsHashOf } from '../../content/projects/contentHash.ts';
import { PROJECT_FORMAT, type ProjectRows } from '../../content/projects/project.ts';
import { exportProject, importProject } from '../../content/projects/projectFile.ts';
import { ProjectStore } from '../../content/projects/projectStore.ts';
import type { Sheet } from '../../content/data/rows/sheet.ts';
import { blobSource } from '../../base/storage/byteSource.ts';
import { opfsDirectory } from '../../base/storage/opfsDirectory.ts';
import type { ByteSource } from '../../base/storage/types.ts';
import type { ProjectsApi } from './projectsProtocol.ts';

/** The folder of the origin private file system that holds projects. */
const PROJECTS_FOLDER = 'projects';
/** Larger data files are not copied: the user opens them again. */
const MAX_COPY = 512 << 20;

/** The projects of this browser. Throws `storage.opfs_denied`. */
export async function openProjectStore(): Promise<ProjectStore> {
  return new ProjectStore(await opfsDirectory(PROJECTS_FOLDER));
}

/** The open data file, as the data worker holds it. */
export interface OpenData {
  sheet: Sheet;
  /** Its bytes; null for one that is stored already, such as a download. */
  file: ByteSource;
  /** Whether it should be copied: what is stored already is not. */
  copy: boolean;
}

/** Projects in the data worker, which also holds what is edited. */
export interface ProjectsService extends ProjectsApi {
  /** Stores the changes of the open file's rows, if it is part of a project. */
  rowsChanged(): Promise<void>;
  /** Another data file was opened: its rows are no longer those of the project's file. */
  detach(): void;
}

/**
 * @param openStore opens the projects, at the first call
 * @param opened the open data file
 * @param validation the open validation file
 */
export function createProjectsService(
  openStore: () => Promise<ProjectStore>,
  opened: () => OpenData,
  validation: () => Omit<OpenData, 'sheet'>,
): ProjectsService {
  let opening: Promise<ProjectStore> | null = null;
  const store = (): Promise<ProjectStore> => {
    opening ??= openStore().catch((error: unknown) => {
      opening = null;
      throw error;
    });
    return opening;
  };
  let attached: { project: string; rows: string; sheet: Sheet } | null = null;
  let drafts: ProjectRows['drafts'] = [];

  /** Names a file by its content and copies it, unless it is stored already or too large. */
  const keep = async ({ file, copy }: Omit<OpenData, 'sheet'>, writable: boolean) => {
    const hash = await contentHashOf(file);
    const kept = copy && file.size <= MAX_COPY;
    if (kept && writable) await (await store()).keep(hash, file);
    return { hash, kept };
  };

  const writeRows = async (): Promise<void> => {
    if (!attached) return;
    const { project, rows, sheet } = attached;
    const changes = sheet.saved;
    await (await store()).writeRows(project, rows, { format: PROJECT_FORMAT, changes, drafts });
  };

  return {
    projects: async () => (await store()).list(),
    readProject: async (id) => (await store()).read(id),
    writeProject: async (project) => (await store()).write(project),
    duplicateProject: async (id, copy) => (await store()).duplicate(id, copy),
    async removeProject(id) {
      if (attached?.project === id) attached = null;
      await (await store()).remove(id);
    },
    exportProject: async (id, name) => exportProject(await store(), id, name),
    importProject: async (file, made) =>
      importProject(await store(), blobSource(file.name, file), made, [officialEndpoint]),
    async attachData(project, rowsField, writable) {
      const projects = await store();
      const { sheet, ...open } = opened();
      const { hash, kept } = await keep(open, writable);
      const rows = await rowsHashOf(hash, rowsField);
      const before = await projects.rows(project, rows);
      sheet.restoreSaved(before.changes);
      ({ drafts } = before);
      attached = writable ? { project, rows, sheet } : null;
      return {
        hash,
        kept,
        changes: sheet.counts,
        drafts: Object.fromEntries(drafts.map(({ position, text }) => [position, text])),
      };
    },
    attachValidation: (writable) => keep(validation(), writable),
    async writeDrafts(given) {
      drafts = Object.entries(given).map(([position, text]) => ({ position: Number(position), text }));
      await writeRows();
    },
    rowsChanged: writeRows,
    detach() {
      attached = null;
      drafts = [];
    },
  };
}
