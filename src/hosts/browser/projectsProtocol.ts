/** Projects, for the page: a part of the data worker's API. Everything here survives structured cloning. */
import type {
  Answerer,
  ChatAnswer,
  ChatAuthor,
  ChatTurn,
  Project,
  ProjectData,
  ProjectModel,
} from '../../content/projects/project.ts';
import type { ProjectEntry } from '../../content/projects/projectStore.ts';
import type { ChangeCounts } from '../../content/data/rows/sheet.ts';

export { parseProject, PROJECT_FORMAT } from '../../content/projects/project.ts';
export type { Answerer, ChatAnswer, ChatAuthor, ChatTurn, Project, ProjectModel, ProjectData, ProjectEntry };

/** The open data file as part of a project. */
export interface AttachedData {
  /** Its content, as a name. */
  hash: string;
  /** Whether there is a copy of it, so that it can be opened again without the user. */
  kept: boolean;
  /** Changes that were made to its rows before, which are made again. */
  changes: ChangeCounts;
  /** Edits that were not applied, by position. */
  drafts: Record<number, string>;
}

export interface ProjectsApi {
  /** All projects, the latest changed first. Throws `storage.opfs_denied`. */
  projects(): Promise<ProjectEntry[]>;
  /** Throws `projects.not_found`, `projects.damaged`. */
  readProject(id: string): Promise<Project>;
  writeProject(project: Project): Promise<void>;
  duplicateProject(id: string, copy: Pick<Project, 'id' | 'name' | 'createdAt' | 'changedAt'>): Promise<void>;
  removeProject(id: string): Promise<void>;
  /** The project with its data and its edits as one file. */
  exportProject(id: string, name: string): Promise<File>;
  /** Throws `projects.not_a_project`, `projects.newer`, `projects.invalid`. */
  importProject(file: File, made: Pick<Project, 'id' | 'changedAt'>): Promise<void>;
  /**
   * Makes the open data file part of a project: copies it, and makes the changes again that its rows had there. From now
   * on each change is stored.
   * @param writable false in a tab that only reads the project
   */
  attachData(project: string, rowsField: string | null, writable: boolean): Promise<AttachedData>;
  /** Makes the open validation file part of a project: copies it. Where it is stored already, nothing is copied. */
  attachValidation(writable: boolean): Promise<Pick<AttachedData, 'hash' | 'kept'>>;
  /** Stores edits that were not applied yet. */
  writeDrafts(drafts: Record<number, string>): Promise<void>;
}
