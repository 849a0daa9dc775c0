import { useStore } from 'zustand';
import { connectWorkers } from '../../hosts/browser/client.ts';
import { Metrics } from './metrics.ts';
import { recordPace } from './pace.ts';
import type { Studio } from './state.ts';
import { createStudio } from './studio.ts';

/** The curves of the run. */
export const metrics = new Metrics();

/** The page's store. */
export const studio = createStudio({ workers: connectWorkers(), metrics });
recordPace(studio, metrics);

/** A part of the page's state; re-renders the component when it changes. */
export function useStudio<Part>(select: (state: Studio) => Part): Part {
  return useStore(studio, select);
}
