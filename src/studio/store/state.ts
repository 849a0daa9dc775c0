import type { StateCreator } from 'zustand';
import type { Workers } from '../../hosts/browser/client.ts';
import type { AdapterSlice } from './state/adapter.ts';
import type { BatchSlice } from './state/batch.ts';
import type { BenchmarkSlice } from './state/benchmark.ts';
import type { DataHubSlice } from './state/dataHub.ts';
import type { DatasetSlice } from './state/dataset.ts';
import type { DeviceSlice } from './state/device.ts';
import type { DownloadSlice } from './state/download.ts';
import type { EvaluationSlice } from './state/evaluation.ts';
import type { ExampleSlice } from './state/example.ts';
import type { ExportSlice } from './state/exporting.ts';
import type { FunctionsSlice } from './state/functions.ts';
import type { HubSlice } from './state/hub.ts';
import type { IntakeSlice } from './state/intake.ts';
import type { LrSearchSlice } from './state/lrSearch.ts';
import type { MemorySlice } from './state/memory.ts';
import type { Metrics } from './metrics.ts';
import type { ModelSlice } from './state/model.ts';
import type { PrefsSlice } from './state/prefs.ts';
import type { ProjectsSlice } from './state/projects.ts';
import type { PushSlice } from './state/pushing.ts';
import type { RecipeSlice } from './state/recipe.ts';
import type { RunSlice } from './state/run.ts';
import type { RunsSlice } from './state/runs.ts';
import type { StoredSlice } from './state/stored.ts';
import type { SweepSlice } from './state/sweep.ts';
import type { TryoutSlice } from './state/tryout.ts';
import type { ValidationSlice } from './state/validation.ts';
import type { ViewSlice } from './state/view.ts';

/** The complete state of the page. */
export type Studio = DeviceSlice &
  ViewSlice &
  ProjectsSlice &
  BenchmarkSlice &
  HubSlice &
  DownloadSlice &
  StoredSlice &
  DataHubSlice &
  IntakeSlice &
  ModelSlice &
  DatasetSlice &
  ValidationSlice &
  RecipeSlice &
  MemorySlice &
  ExampleSlice &
  LrSearchSlice &
  FunctionsSlice &
  RunSlice &
  AdapterSlice &
  RunsSlice &
  SweepSlice &
  TryoutSlice &
  BatchSlice &
  EvaluationSlice &
  ExportSlice &
  PushSlice &
  PrefsSlice;

/** Dependencies of slices: the workers and the curves of the run. */
export interface StoreDeps {
  workers: Workers;
  metrics: Metrics;
}

/** Creates a slice from the store's set and get. */
export type SliceOf<Slice> = (
  deps: StoreDeps,
) => (...store: Parameters<StateCreator<Studio, [], [], Slice>>) => Slice;

/** The engine worker's activity; it does one thing at a time. */
export type Busy = 'model' | 'train' | 'generate' | 'adapter' | 'merge' | 'push' | 'benchmark' | 'lrSearch';

/** The engine's current activity, or null. */
export function busyWith(state: Studio): Busy | null {
  if (state.model.status === 'opening') return 'model';
  if (isTraining(state)) return 'train';
  if (state.tryout.status !== 'idle' || state.batch.status !== 'idle') return 'generate';
  if (state.evaluation.status !== 'idle') return 'generate';
  if (state.exporting.adapterStatus === 'working' || state.openingAdapter) return 'adapter';
  if (state.runs.working?.kind === 'opening') return 'adapter';
  if (state.exporting.mergeStatus === 'working' || state.exporting.measuring) return 'merge';
  if (isBenchmarking(state)) return 'benchmark';
  if (state.lrSearch.status !== 'idle') return 'lrSearch';
  // Pushed files must not change meanwhile.
  if (state.pushing.status === 'merging' || state.pushing.status === 'sending') return 'push';
  return null;
}

/** Whether a training is in progress, from the press of the button to its end. */
export function isTraining({ run }: Pick<Studio, 'run'>): boolean {
  return !(run.status === 'idle' || run.status === 'done' || run.status === 'failed');
}

/** Whether another tab has the open project: what it consists of can't be changed here. */
export function isReadOnly({ projects }: Pick<Studio, 'projects'>): boolean {
  return projects.open?.readOnly === true && !projects.restoring;
}

/** Whether a benchmark of the device is in progress. */
export function isBenchmarking({ benchmark }: Pick<Studio, 'benchmark'>): boolean {
  return benchmark.status === 'running' || benchmark.status === 'stopping';
}

/** Whether there is an adapter that would be lost: the results of a stored run survive the page. */
export function isUnsaved({ adapter }: Pick<Studio, 'adapter'>): boolean {
  const stored = adapter?.origin === 'trained' && adapter.run !== null;
  return adapter !== null && !adapter.saved && !stored;
}

/** Whether the whole model was trained, so there is no adapter to export. */
export function isWholeModel({ adapter }: Pick<Studio, 'adapter'>): boolean {
  return adapter?.origin === 'trained' && adapter.method === 'full';
}
