import { createStore } from 'zustand/vanilla';
import { createAdapterSlice } from './adapter.ts';
import { createBatchSlice } from './batch.ts';
import { createBenchmarkSlice } from './benchmark.ts';
import { createDataHubSlice } from './dataHub.ts';
import { createDatasetSlice } from './dataset.ts';
import { createDeviceSlice } from './device.ts';
import { createDownloadSlice } from './download.ts';
import { createEvaluationSlice } from './evaluation.ts';
import { createExampleSlice } from './example.ts';
import { createExportSlice } from './exporting.ts';
import { createFunctionsSlice } from './functions.ts';
import { createHubSlice } from './hub.ts';
import { createIntakeSlice } from './intake.ts';
import { createLrSearchSlice } from './lrSearch.ts';
import { createMemorySlice, plansDiffer } from './memory.ts';
import { createModelSlice } from './model.ts';
import { createPrefsSlice } from './prefs.ts';
import { createProjectsSlice } from './projects.ts';
import { createPushSlice } from './pushing.ts';
import { createRecipeSlice } from './recipe.ts';
import { factsDiffer } from './recipeFacts.ts';
import { createRunSlice } from './run.ts';
import { createRunsSlice } from './runs.ts';
import type { StoreDeps, Studio } from './state.ts';
import { createStoredSlice } from './stored.ts';
import { createSweepSlice } from './sweep.ts';
import { createTryoutSlice } from './tryout.ts';
import { createValidationSlice } from './validation.ts';
import { createViewSlice } from './view.ts';

/** Makes the store of a page over its workers, and lets it hear of their end. */
export function createStudio(deps: StoreDeps) {
  const store = createStore<Studio>()((...args) => ({
    ...createDeviceSlice(deps)(...args),
    ...createViewSlice(deps)(...args),
    ...createProjectsSlice(deps)(...args),
    ...createBenchmarkSlice(deps)(...args),
    ...createHubSlice(deps)(...args),
    ...createDownloadSlice(deps)(...args),
    ...createStoredSlice(deps)(...args),
    ...createDataHubSlice(deps)(...args),
    ...createIntakeSlice(deps)(...args),
    ...createModelSlice(deps)(...args),
    ...createDatasetSlice(deps)(...args),
    ...createValidationSlice(deps)(...args),
    ...createRecipeSlice(deps)(...args),
    ...createMemorySlice(deps)(...args),
    ...createLrSearchSlice(deps)(...args),
    ...createExampleSlice(deps)(...args),
    ...createFunctionsSlice(deps)(...args),
    ...createRunSlice(deps)(...args),
    ...createAdapterSlice(deps)(...args),
    ...createRunsSlice(deps)(...args),
    ...createSweepSlice(deps)(...args),
    ...createTryoutSlice(deps)(...args),
    ...createBatchSlice(deps)(...args),
    ...createEvaluationSlice(deps)(...args),
    ...createExportSlice(deps)(...args),
    ...createPushSlice(deps)(...args),
    ...createPrefsSlice(deps)(...args),
  }));
  const { engine, data, hub } = deps.workers;
  engine.onCrash((error) => store.getState().engineLost(error));
  data.onCrash((error) => store.getState().dataLost(error));
  hub.onCrash((error) => store.getState().hubLost(error));
  store.subscribe((state, before) => {
    if (factsDiffer(state, before)) state.followAnswers();
    if (plansDiffer(state, before)) state.replan();
    if (projectsDiffer(state, before)) state.projectChanged();
    if (state.intake.queue.length > 0) state.advanceIntake();
  });
  return store;
}

/** Whether anything changed that a project consists of. */
function projectsDiffer(a: Studio, b: Studio): boolean {
  return (
    a.model.source !== b.model.source ||
    a.model.hub !== b.model.hub ||
    a.dataset.source !== b.dataset.source ||
    a.dataset.content !== b.dataset.content ||
    a.dataset.changes !== b.dataset.changes ||
    a.dataset.summary !== b.dataset.summary ||
    a.validation !== b.validation ||
    a.recipe.draft !== b.recipe.draft ||
    a.samplePrompts !== b.samplePrompts ||
    a.tryout.request !== b.tryout.request ||
    a.tryout.turns !== b.tryout.turns ||
    a.tryout.sides !== b.tryout.sides ||
    a.evaluation.votes !== b.evaluation.votes ||
    a.run.id !== b.run.id
  );
}
