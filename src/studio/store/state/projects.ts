import type { AttachedData, Project, ProjectEntry } from '../../../hosts/browser/projectsProtocol.ts';
import type { ErrorNote } from '../errorNote.ts';

/** The open project. What it consists of is in the other slices, and saved from there. */
export interface OpenProject extends Pick<Project, 'id' | 'name' | 'example' | 'createdAt' | 'runs'> {
  /** Another tab has it: what changes here is not saved. */
  readOnly: boolean;
}

/** Something of a project that browsers give back to the user alone. */
export interface MissingPart {
  name: string;
  /** With it, one click opens the folder again. */
  handle: FileSystemDirectoryHandle | null;
}

export interface ProjectsState {
  /** All projects of this browser, the latest changed first. */
  entries: ProjectEntry[];
  /** Whether they have been read. */
  known: boolean;
  open: OpenProject | null;
  /** A project is being opened: nothing is saved meanwhile. */
  restoring: boolean;
  missingModel: MissingPart | null;
  /** Name of a data file that is to be dropped again. */
  missingData: string | null;
  /** Why the last save failed; null once one succeeds. */
  notSaved: ErrorNote | null;
  /** A project exported as a file. */
  exported: { id: string; file: File } | null;
  error: ErrorNote | null;
}

export interface ProjectsSlice {
  projects: ProjectsState;
  /**
   * Reads the list, and opens the project that the address names, or the last one.
   * @param device resolves once it is known whether models can be opened
   */
  startProjects(wanted: string | null, device: Promise<void>): Promise<void>;
  refreshProjects(): Promise<void>;
  /** Saves and leaves the open project, and opens another with all it had. */
  openProject(id: string): Promise<void>;
  /** Leaves the open project for an empty one, which is stored with the first change. */
  newProject(): Promise<void>;
  /** Makes the example's own project, empty; does nothing while it is open. */
  openExampleProject(): Promise<void>;
  /**
   * Leaves the example before something else takes its place, so that nothing of it stays: neither recipe nor prompts.
   * @param what takes its place; the rest is emptied
   */
  leaveExample(what: 'model' | 'data'): void;
  renameProject(id: string, name: string): Promise<void>;
  duplicateProject(id: string, name: string): Promise<void>;
  /** Deletes a project after confirmation; its runs stay. */
  removeProject(id: string, name: string): void;
  exportProject(id: string, name: string): Promise<void>;
  importProject(file: File): Promise<void>;
  /** Opens the model's folder again, with the user's permission. Must be called by a click. */
  allowModel(): Promise<void>;
  /** Makes the open data file part of the project; null where projects cannot be stored. */
  attachData(rowsField: string | null): Promise<AttachedData | null>;
  /** Makes the open validation file part of the project; null where projects cannot be stored. */
  attachValidation(): Promise<Pick<AttachedData, 'hash' | 'kept'> | null>;
  /** Saves the open project now, if it has changed. */
  saveProject(): Promise<void>;
  /** Called by whoever watches the store: what the project consists of has changed. */
  projectChanged(): void;
  dismissProjectsError(): void;
}

export const emptyProjects: ProjectsState = {
  entries: [],
  known: false,
  open: null,
  restoring: false,
  missingModel: null,
  missingData: null,
  notSaved: null,
  exported: null,
  error: null,
};
