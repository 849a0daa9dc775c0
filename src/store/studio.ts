import { createStore } from 'zustand/vanilla';
import { GraftError, type ErrorCode } from '../lib/errors.ts';
import type { Workers } from '../workers/client.ts';
import { createAdapterSlice } from './adapter.ts';
import { createBenchmarkSlice } from './benchmark.ts';
import { createDataHubSlice } from './dataHub.ts';
import { createDatasetSlice } from './dataset.ts';
import { createDeviceSlice } from './device.ts';
import { createDownloadSlice } from './download.ts';
import { createExampleSlice } from './example.ts';
import { createExportSlice } from './exporting.ts';
import { createHubSlice } from './hub.ts';
import { createLrSearchSlice } from './lrSearch.ts';
import { createMemorySlice, plansDiffer } from './memory.ts';
import { createModelSlice } from './model.ts';
import { createPrefsSlice } from './prefs.ts';
import { createPushSlice } from './pushing.ts';
import { createRecipeSlice } from './recipe.ts';
import { createRunSlice } from './run.ts';
import { createRunsSlice } from './runs.ts';
import type { Backstage, Studio } from './state.ts';
import { createStoredSlice } from './stored.ts';
import { createTryoutSlice } from './tryout.ts';

/** A GPU device that has failed in one of these ways answers nothing more: only a new one helps. */
const fatal: ReadonlySet<ErrorCode> = new Set(['gpu.device_lost', 'gpu.out_of_memory', 'gpu.validation']);

/** The engine, ended after an error that its device does not survive; the error still reaches the caller first. */
function endedByFatalErrors(engine: Workers['engine']): Workers['engine'] {
  const call = new Proxy(engine.call, {
    get(target, method) {
      const invoke = Reflect.get(target, method) as (...args: unknown[]) => Promise<unknown>;
      return async (...args: unknown[]) => {
        try {
          return await invoke(...args);
        } catch (error) {
          if (error instanceof GraftError && fatal.has(error.code)) {
            engine.restart(new GraftError('workers.restarted', { reason: error.message }, { cause: error }));
          }
          throw error;
        }
      };
    },
  });
  return { ...engine, call };
}

/** Makes the store of a page over its workers, and lets it hear of their end. */
export function createStudio({ workers: given, metrics }: Backstage) {
  const workers = { ...given, engine: endedByFatalErrors(given.engine) };
  const backstage: Backstage = { workers, metrics };
  const store = createStore<Studio>()((...args) => ({
    ...createDeviceSlice(backstage)(...args),
    ...createBenchmarkSlice(backstage)(...args),
    ...createHubSlice(backstage)(...args),
    ...createDownloadSlice(backstage)(...args),
    ...createStoredSlice(backstage)(...args),
    ...createDataHubSlice(backstage)(...args),
    ...createModelSlice(backstage)(...args),
    ...createDatasetSlice(backstage)(...args),
    ...createRecipeSlice(backstage)(...args),
    ...createMemorySlice(backstage)(...args),
    ...createLrSearchSlice(backstage)(...args),
    ...createExampleSlice(backstage)(...args),
    ...createRunSlice(backstage)(...args),
    ...createAdapterSlice(backstage)(...args),
    ...createRunsSlice(backstage)(...args),
    ...createTryoutSlice(backstage)(...args),
    ...createExportSlice(backstage)(...args),
    ...createPushSlice(backstage)(...args),
    ...createPrefsSlice(backstage)(...args),
  }));
  const { engine, data, hub } = workers;
  engine.onCrash((error) => store.getState().engineLost(error));
  data.onCrash((error) => store.getState().dataLost(error));
  hub.onCrash((error) => store.getState().hubLost(error));
  store.subscribe((state, before) => {
    if (plansDiffer(state, before)) state.replan();
  });
  return store;
}
