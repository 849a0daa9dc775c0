import { useStore } from 'zustand';
import { connectWorkers } from '../../hosts/browser/client.ts';
import { serveSandboxes } from '../../hosts/browser/rewards/serveSandboxes.ts';
import { Metrics } from './metrics.ts';
import { recordPace } from './pace.ts';
import type { Studio } from './state.ts';
import { createStudio } from './studio.ts';

/** The curves of the run. */
export const metrics = new Metrics();

const workers = connectWorkers();

/** The page's store. */
export const studio = createStudio({ workers, metrics });
serveSandboxes(workers.engine, (asked) => studio.getState().allowFunction(asked));
recordPace(studio, metrics);

/** A part of the page's state; re-renders the component when it changes. */
export function useStudio<Part>(select: (state: Studio) => Part): Part {
  return useStore(studio, select);
}
