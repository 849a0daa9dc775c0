import { parseProject, type Project } from '../../hosts/browser/projectsProtocol.ts';

const LAST = 'graft.project';
const PENDING = 'graft.project.pending';

/** The project that was open last in this browser. */
export function lastProject(): string | null {
  return read(LAST);
}

export function rememberProject(id: string | null): void {
  write(LAST, id);
}

/** Writes at once what its worker has not stored yet; null once it has. */
export function rememberPending(project: Project | null): void {
  write(PENDING, project && JSON.stringify(project));
}

/** A project with what its tab had no time to store. */
export function pendingProject(project: Project): Project {
  try {
    const pending = parseProject(JSON.parse(read(PENDING) ?? 'null'));
    return pending.id === project.id && pending.changedAt > project.changedAt ? pending : project;
  } catch {
    return project;
  }
}

function read(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function write(key: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // Private windows may deny storage, and so may a full disk: the worker's copy is the one that counts.
  }
}
