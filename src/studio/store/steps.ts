import type { Recipe } from '../../base/config/recipe.ts';
import { isCompared } from './sides.ts';
import { isDownloading } from './state/download.ts';
import { viewIds, type ViewId } from './state/view.ts';
import { busyWith, isReadOnly, isTraining, type Studio } from './state.ts';

export const stepIds = ['model', 'data', 'recipe', 'train', 'chat', 'export'] as const;
export type StepId = (typeof stepIds)[number];

/** `current` is the next step to do; `open` can be done but need not be. */
export type StepStatus = 'done' | 'current' | 'open' | 'busy' | 'blocked';

/** Why a step can't be done yet. */
export type BlockReason =
  | 'noDevice'
  | 'checkingDevice'
  | 'noModel'
  | 'notDownloaded'
  | 'noData'
  | 'noModelNoData'
  | 'dataNotReady'
  | 'dataUnusable'
  | 'columnsNotChosen'
  | 'nothingTrained'
  | 'noRewards'
  | 'recipeInvalid'
  | 'noTokenizer'
  | 'noAdapter'
  | 'readOnly'
  | 'busy';

/** Why the step can't be done now; null if it can. */
export function blockReason(state: Studio, step: StepId): BlockReason | null {
  switch (step) {
    case 'model':
      if (state.device.status === 'ready') return null;
      return state.device.status === 'checking' ? 'checkingDevice' : 'noDevice';
    case 'data':
    case 'recipe':
      return null;
    case 'train': {
      if (isReadOnly(state)) return 'readOnly';
      const noModel = state.model.status !== 'ready';
      const noData = state.dataset.status !== 'ready';
      if (noModel && noData) return 'noModelNoData';
      if (noModel) return 'noModel';
      if (noData) return 'noData';
      if (state.dataset.summary?.format === null) return 'columnsNotChosen';
      if (isRemote(state)) return 'notDownloaded';
      if (state.dataset.error && !state.dataset.tokenized && !state.dataset.tokenizing) return 'dataUnusable';
      if (!state.dataset.tokenized || state.dataset.tokenizing) return 'dataNotReady';
      if (!hasWhatToTrain(state)) return 'nothingTrained';
      if (state.recipe.draft.objective === 'grpo' && state.recipe.draft.rewards.length === 0)
        return 'noRewards';
      if (Object.keys(state.recipe.invalid).length > 0) return 'recipeInvalid';
      return busyWith(state) && !isTraining(state) ? 'busy' : null;
    }
    case 'chat':
      if (state.model.status !== 'ready') return 'noModel';
      if (isTraining(state)) return 'busy';
      return state.model.tokenizer === 'none' && !state.adapter ? 'noTokenizer' : null;
    case 'export':
      if (state.model.status !== 'ready') return 'noModel';
      if (isTraining(state)) return 'busy';
      return state.adapter ? null : 'noAdapter';
  }
}

/**
 * The recipe that the page is about: that of the run while it trains, even one that was resumed under another recipe
 * than the draft.
 */
export function shownRecipe({ run, recipe }: Pick<Studio, 'run' | 'recipe'>): Recipe {
  return isTraining({ run }) && run.recipe ? run.recipe : recipe.draft;
}

/** Whether only headers of the open model are here: its weights are on a Hub. */
export function isRemote({ model }: Pick<Studio, 'model'>): boolean {
  return model.status === 'ready' && model.source?.kind === 'hub';
}

/** Whether the run of this visit ended so that it can go on where it was. */
export function canResume({ run }: Pick<Studio, 'run'>): boolean {
  if (run.id === null) return false;
  // One that diverged would do so again.
  if (run.status === 'failed') return run.error?.code !== 'train.diverged';
  return run.status === 'done' && run.outcome?.ended === 'paused';
}

/** Status of the step, for the rail. */
export function stepStatus(state: Studio, step: StepId): StepStatus {
  if (isBusy(state, step)) return 'busy';
  if (blockReason(state, step)) return 'blocked';
  if (isDone(state, step)) return 'done';
  // The recipe's defaults suffice, so it is never the next step unless it is invalid.
  if (step === 'recipe') return Object.keys(state.recipe.invalid).length > 0 ? 'current' : 'open';
  const before = stepIds.slice(0, stepIds.indexOf(step));
  if (step === 'chat' && !state.adapter) return 'open';
  return before.every((other) => ['done', 'blocked', 'open'].includes(stepStatus(state, other)))
    ? 'current'
    : 'open';
}

/** Whether there are tokens to train on, or prompts where the model trains on answers of its own. */
function hasWhatToTrain({ dataset, recipe }: Pick<Studio, 'dataset' | 'recipe'>): boolean {
  if (!dataset.tokenized) return false;
  return recipe.draft.objective === 'grpo' ? dataset.tokenized.rows > 0 : dataset.tokenized.trainedTokens > 0;
}

function isDone(state: Studio, step: StepId): boolean {
  switch (step) {
    case 'model':
      return state.model.status === 'ready' && !isRemote(state);
    case 'data':
      return hasWhatToTrain(state);
    case 'recipe':
      return (
        isDone(state, 'model') && isDone(state, 'data') && Object.keys(state.recipe.invalid).length === 0
      );
    case 'train':
      return state.adapter !== null;
    case 'chat':
      return isCompared(state);
    case 'export':
      return state.adapter !== null && state.adapter.saved && state.adapter.origin === 'trained';
  }
}

function isBusy(state: Studio, step: StepId): boolean {
  switch (step) {
    case 'model':
      return state.model.status === 'opening' || state.hub.lookingUp !== null || isDownloading(state);
    case 'data':
      return state.dataset.status === 'reading' || state.dataset.tokenizing;
    case 'recipe':
      return false;
    case 'train':
      return isTraining(state);
    case 'chat':
      return busyWith(state) === 'generate';
    case 'export':
      return ['merge', 'adapter', 'push'].includes(busyWith(state) ?? '');
  }
}

/** What comes after a view. */
export interface Next {
  /** What is to be done in this view; `goOn` once it is done. */
  todo: StepId | 'goOn' | 'home' | 'training' | 'finished' | 'needsModel' | 'wait';
  /** The view that follows; null after the last. */
  view: ViewId | null;
  /** Whether the view is done, so that the next one is the way to go. */
  ready: boolean;
}

/** What comes next in the shown view. */
export function nextView(state: Studio): Next {
  const { view } = state;
  if (view === 'home') {
    const current = stepIds.find((id) => ['current', 'busy'].includes(stepStatus(state, id)));
    return {
      todo: 'home',
      view: current ?? (state.adapter ? 'export' : 'model'),
      ready: state.device.status === 'ready',
    };
  }
  const following = viewIds[viewIds.indexOf(view) + 1] ?? null;
  if (isTraining(state)) return { todo: 'training', view: following, ready: false };
  const { dataset, model } = state;
  if (view === 'data' && dataset.status === 'ready' && !isDone(state, view)) {
    if (model.status !== 'ready') return { todo: 'needsModel', view: 'model', ready: true };
    if (dataset.tokenizing) return { todo: 'wait', view: following, ready: false };
  }
  if (view === 'model' && model.status === 'opening') return { todo: 'wait', view: following, ready: false };
  // The defaults suffice: a recipe is never to be filled in before the next step.
  const done = view === 'recipe' ? Object.keys(state.recipe.invalid).length === 0 : isDone(state, view);
  if (following === null) return { todo: done ? 'finished' : view, view: 'home', ready: false };
  return { todo: done ? 'goOn' : view, view: following, ready: done };
}
