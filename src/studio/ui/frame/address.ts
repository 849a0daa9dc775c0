import { viewIds, type ViewId } from '../../store/state/view.ts';

/** What an address leads to: a view, and of which project. */
export interface Place {
  view: ViewId;
  project: string | null;
}

/** The fragment of a view: `#/train`, or `#/p/<project>/train`. */
export function fragmentOf({ view, project }: Place): string {
  return project === null ? `#/${view}` : `#/p/${encodeURIComponent(project)}/${view}`;
}

/** What a fragment leads to; null for another kind of fragment, such as that of a recipe link. */
export function placeOf(fragment: string): Place | null {
  const match = /^#\/(?:p\/([^/]+)\/)?([a-z]+)$/.exec(fragment);
  const view = viewIds.find((id) => id === match?.[2]);
  if (!match || !view) return null;
  try {
    return { view, project: match[1] === undefined ? null : decodeURIComponent(match[1]) };
  } catch {
    return null;
  }
}
