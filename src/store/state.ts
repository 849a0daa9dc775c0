import type { StateCreator } from 'zustand';
import type { Workers } from '../workers/client.ts';
import type { AdapterSlice } from './adapter.ts';
import type { BenchmarkSlice } from './benchmark.ts';
import type { DataHubSlice } from './dataHub.ts';
import type { DatasetSlice } from './dataset.ts';
import type { DeviceSlice } from './device.ts';
import type { DownloadSlice } from './download.ts';
import type { ExampleSlice } from './example.ts';
import type { ExportSlice } from './exporting.ts';
import type { HubSlice } from './hub.ts';
import type { LrSearchSlice } from './lrSearch.ts';
import type { MemorySlice } from './memory.ts';
import type { Metrics } from './metrics.ts';
import type { ModelSlice } from './model.ts';
import type { PrefsSlice } from './prefs.ts';
import type { PushSlice } from './pushing.ts';
import type { RecipeSlice } from './recipe.ts';
import type { RunSlice } from './run.ts';
import type { RunsSlice } from './runs.ts';
import type { StoredSlice } from './stored.ts';
import type { TryoutSlice } from './tryout.ts';

/** Everything the page knows. */
export type Studio = DeviceSlice &
  BenchmarkSlice &
  HubSlice &
  DownloadSlice &
  StoredSlice &
  DataHubSlice &
  ModelSlice &
  DatasetSlice &
  RecipeSlice &
  MemorySlice &
  ExampleSlice &
  LrSearchSlice &
  RunSlice &
  AdapterSlice &
  RunsSlice &
  TryoutSlice &
  ExportSlice &
  PushSlice &
  PrefsSlice;

/** What slices work with: the workers and the curves of the run. */
export interface Backstage {
  workers: Workers;
  metrics: Metrics;
}

/** Makes a slice from the store's set and get. */
export type SliceOf<Slice> = (
  backstage: Backstage,
) => (...store: Parameters<StateCreator<Studio, [], [], Slice>>) => Slice;

/** What the engine worker is busy with; it does one thing at a time. */
export type Busy = 'model' | 'train' | 'generate' | 'adapter' | 'merge' | 'push' | 'benchmark' | 'lrSearch';

/** What the engine is doing now, or null. */
export function busyWith(state: Studio): Busy | null {
  if (state.model.status === 'opening') return 'model';
  if (isTraining(state)) return 'train';
  if (state.tryout.status !== 'idle') return 'generate';
  if (state.exporting.adapterStatus === 'working' || state.openingAdapter) return 'adapter';
  if (state.runs.working?.kind === 'opening') return 'adapter';
  if (state.exporting.mergeStatus === 'working' || state.exporting.measuring) return 'merge';
  if (isBenchmarking(state)) return 'benchmark';
  if (state.lrSearch.status !== 'idle') return 'lrSearch';
  // What is pushed must stay as it is.
  if (state.pushing.status === 'merging' || state.pushing.status === 'sending') return 'push';
  return null;
}

/** Whether a training is under way, from the press of the button to its end. */
export function isTraining({ run }: Pick<Studio, 'run'>): boolean {
  return !(run.status === 'idle' || run.status === 'done' || run.status === 'failed');
}

/** Whether a benchmark of the device is under way. */
export function isBenchmarking({ benchmark }: Pick<Studio, 'benchmark'>): boolean {
  return benchmark.status === 'running' || benchmark.status === 'stopping';
}

/** Whether there is an adapter that would be lost: what a stored run has trained is there whatever happens to the page. */
export function isUnsaved({ adapter }: Pick<Studio, 'adapter'>): boolean {
  const stored = adapter?.origin === 'trained' && adapter.run !== null;
  return adapter !== null && !adapter.saved && !stored;
}

/** Whether what was trained is the whole model, of which there is no adapter to take away. */
export function isWholeModel({ adapter }: Pick<Studio, 'adapter'>): boolean {
  return adapter?.origin === 'trained' && adapter.method === 'full';
}
