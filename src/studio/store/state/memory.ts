import type { FitProposal, PlannedRun, OffloadLevel } from '../../../hosts/browser/protocol.ts';
import type { ErrorNote } from '../errorNote.ts';

export interface MemoryState {
  /** A newer plan is being computed; this one is outdated. */
  planning: boolean;
  /** The memory of the current recipe on the open model; null if there is none. */
  plan: PlannedRun | null;
  /** Whether it was planned on the data; otherwise on rows of maximum length. */
  onData: boolean;
  /** Changes to propose if it exceeds the available memory; null if none are needed. */
  advice: Advice | null;
  /** Memory levels, the most first; null until known. */
  levels: OffloadLevel[] | null;
  error: ErrorNote | null;
}

/** Proposals in the order to apply them, and their results. */
export interface Advice {
  proposals: FitProposal[];
  /** Whether the recipe fits with all of them, and the memory it then needs. */
  fits: boolean;
  total: number;
}

export interface MemorySlice {
  memory: MemoryState;
  /** Schedules a new plan, debounced. */
  replan(): void;
  /** Whether the memory levels are shown; they take many plans, so they are only computed then. */
  watchLevels(watched: boolean): void;
}

export const emptyMemory: MemoryState = {
  planning: false,
  plan: null,
  onData: false,
  advice: null,
  levels: null,
  error: null,
};
