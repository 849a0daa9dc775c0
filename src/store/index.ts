import { useStore } from 'zustand';
import { connectWorkers } from '../workers/client.ts';
import { Metrics } from './metrics.ts';
import { keepPace } from './pace.ts';
import type { Studio } from './state.ts';
import { createStudio } from './studio.ts';

/** The curves of the run. */
export const metrics = new Metrics();

/** The store of the page. */
export const studio = createStudio({ workers: connectWorkers(), metrics });
keepPace(studio, metrics);

/** A part of the page's state; the component is drawn again when it changes. */
export function useStudio<Part>(select: (state: Studio) => Part): Part {
  return useStore(studio, select);
}
