import { changedFields } from '../../base/config/presets.ts';
import {
  PROJECT_FORMAT,
  type Project,
  type ProjectData,
  type ProjectModel,
} from '../../hosts/browser/projectsProtocol.ts';
import type { ModelSource } from '../../hosts/browser/protocol.ts';
import { starterSource } from './example.ts';
import { sourceOf } from './hub.ts';
import { storedSides } from './sides.ts';
import type { Studio } from './state.ts';
import type { OpenProject } from './state/projects.ts';

/** Whether there is anything to keep: a page that was only looked at makes no project. */
export function isWorthKeeping({ model, dataset, recipe, samplePrompts, tryout }: Studio): boolean {
  return (
    model.source !== null ||
    dataset.summary !== null ||
    changedFields(recipe.draft).length > 0 ||
    samplePrompts.length > 0 ||
    tryout.turns.length > 0
  );
}

/**
 * The page's state as a project.
 * @param before what was stored last: of a model or data that could not be opened again, it stays
 */
export function projectOf(state: Studio, open: OpenProject, before: Project | null, now: number): Project {
  const { recipe, samplePrompts, tryout, evaluation, run } = state;
  const { id, name, example, createdAt, runs } = open;
  const { turns, sides } = tryout;
  const { draft } = recipe;
  return {
    format: PROJECT_FORMAT,
    id,
    name,
    example,
    createdAt,
    changedAt: now,
    model: modelOf(state) ?? before?.model ?? null,
    data: dataOf(state) ?? before?.data ?? null,
    validation: validationOf(state),
    recipe: Object.fromEntries(changedFields(draft).map((key) => [key, draft[key]])),
    samplePrompts,
    request: tryout.request,
    chat: [...turns],
    sides: storedSides(sides),
    votes: [...evaluation.votes],
    runs: run.id === null || runs.includes(run.id) ? runs : [...runs, run.id],
  };
}

function modelOf({ model: { source, hub } }: Studio): ProjectModel | null {
  if (source === null) return null;
  if (source.kind === 'bundled') return { kind: 'bundled', name: source.name };
  if (hub) return { kind: 'hub', name: source.name, facts: hub };
  return { kind: 'dropped', name: source.name };
}

function dataOf({ dataset: { summary, source, content, rowsField, address } }: Studio): ProjectData | null {
  if (!summary || !source) return null;
  const name = source.kind === 'file' ? source.file.name : source.name;
  const mapping = summary.mapping && structuredClone(summary.mapping);
  const part = {
    name: address || name,
    rowsField,
    ...(source.encoding !== undefined && { encoding: source.encoding }),
    mapping: mapping as ProjectData['mapping'],
  };
  if (source.kind === 'cached') {
    const { host, repo, commit, path } = source;
    return { ...part, name, source: { kind: 'cached', host, repo, commit, path } };
  }
  return {
    ...part,
    name,
    source: content?.kept ? { kind: 'kept', hash: content.hash } : { kind: 'dropped' },
  };
}

function validationOf({ validation: { source, content } }: Studio): Project['validation'] {
  if (!source) return null;
  if (source.kind === 'cached') {
    const { name, host, repo, commit, path } = source;
    return { name, source: { kind: 'cached', host, repo, commit, path } };
  }
  const name = source.kind === 'file' ? source.file.name : source.name;
  return { name, source: content?.kept ? { kind: 'kept', hash: content.hash } : { kind: 'dropped' } };
}

/** Where a project's model is read from; null for one that only the user can open again. */
export function modelSourceOf(model: ProjectModel): ModelSource | null {
  if (model.kind === 'hub') return sourceOf(model.facts);
  // By its name: the page may be at another address now.
  const starter = model.kind === 'bundled' ? starterSource() : null;
  return starter?.name === model.name ? starter : null;
}

/** What a project is called: as the user named it, else after its data, else after its model; empty if it has neither. */
export function projectName(project: Pick<Project, 'name' | 'data' | 'model'>): string {
  const data = project.data?.name
    .split('/')
    .at(-1)
    ?.replace(/\.\w+$/, '');
  return project.name || data || project.model?.name || '';
}
