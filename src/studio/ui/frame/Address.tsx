import { useEffect, useRef } from 'react';
import { studio, useStudio } from '../../store/index.ts';
import { fragmentOf, placeOf } from './address.ts';
import { titleOf } from './View.tsx';

/**
 * Keeps the address and the shown view in step: a view that is shown becomes the address, so back, forward and links
 * work. Recipe links have a fragment of their own, which stays until they are answered.
 */
export function Address() {
  const view = useStudio((state) => state.view);
  const project = useStudio((state) => state.projects.open?.id ?? null);
  // Until then the address says what is to be opened.
  const settled = useStudio(({ projects }) => projects.known && !projects.restoring);
  const shown = useRef(view);
  useEffect(() => {
    /** A project that could not be opened, since a run trains say, leaves the address to the open one. */
    const correct = () => {
      const { view: current, projects } = studio.getState();
      const fragment = fragmentOf({ view: current, project: projects.open?.id ?? null });
      if (!projects.restoring) history.replaceState(null, '', fragment);
    };
    const follow = () => {
      const { showView, readRecipeLink, openProject, projects } = studio.getState();
      const place = placeOf(location.hash);
      if (place) {
        const other = place.project !== null && place.project !== projects.open?.id;
        if (other && projects.known) void openProject(place.project!).then(correct);
        return showView(place.view);
      }
      if (!isRecipeLink(location.hash)) return;
      showView('recipe');
      readRecipeLink(location.hash);
    };
    follow();
    window.addEventListener('hashchange', follow);
    return () => window.removeEventListener('hashchange', follow);
  }, []);
  useEffect(() => {
    const fragment = fragmentOf({ view, project });
    const same = placeOf(location.hash)?.view === view;
    if (settled && location.hash !== fragment && !isRecipeLink(location.hash)) {
      // The view's address is the project's once there is one: no step to go back to.
      if (same || shown.current === view) history.replaceState(null, '', fragment);
      else history.pushState(null, '', fragment);
    }
    if (shown.current === view) return;
    shown.current = view;
    window.scrollTo({ top: 0, behavior: 'instant' });
    document.getElementById(titleOf(view))?.focus({ preventScroll: true });
  }, [view, project, settled]);
  return null;
}

const isRecipeLink = (fragment: string): boolean => fragment.startsWith('#recipe=');
