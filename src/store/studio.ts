import { createStore } from 'zustand/vanilla';
import { GraftError } from '../lib/errors.ts';
import { createDatasetSlice } from './dataset.ts';
import { createDeviceSlice } from './device.ts';
import { createExportSlice } from './exporting.ts';
import { createModelSlice } from './model.ts';
import { createPrefsSlice } from './prefs.ts';
import { createRecipeSlice } from './recipe.ts';
import { createRunSlice } from './run.ts';
import type { Backstage, Studio } from './state.ts';
import { createTryoutSlice } from './tryout.ts';

/** Makes the store of a page over its workers, and lets it hear of their end. */
export function createStudio(backstage: Backstage) {
  const store = createStore<Studio>()((...args) => ({
    ...createDeviceSlice(backstage)(...args),
    ...createModelSlice(backstage)(...args),
    ...createDatasetSlice(backstage)(...args),
    ...createRecipeSlice(backstage)(...args),
    ...createRunSlice(backstage)(...args),
    ...createTryoutSlice(backstage)(...args),
    ...createExportSlice(backstage)(...args),
    ...createPrefsSlice(backstage)(...args),
  }));
  const { engine, data } = backstage.workers;
  engine.onCrash((error) => store.getState().engineLost(error));
  data.onCrash((error) => store.getState().dataLost(error));
  store.subscribe(({ run }, before) => {
    const lost = run.error?.code === 'gpu.device_lost' && before.run.error !== run.error;
    if (lost) engine.restart(new GraftError('gpu.device_lost', run.error?.params).message);
  });
  return store;
}
