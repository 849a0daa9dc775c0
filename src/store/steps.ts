import { isDownloading } from './download.ts';
import { busyWith, isTraining, type Studio } from './state.ts';

export const stepIds = ['model', 'data', 'recipe', 'train', 'try'] as const;
export type StepId = (typeof stepIds)[number];

/** `current` is the one to do next; `open` can be done but need not be. */
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
  | 'recipeInvalid'
  | 'noTokenizer'
  | 'busy';

/** Why the step can't be done now; null when it can. */
export function blockReason(state: Studio, step: StepId): BlockReason | null {
  switch (step) {
    case 'model':
      if (state.device.status === 'ready') return null;
      return state.device.status === 'checking' ? 'checkingDevice' : 'noDevice';
    case 'data':
    case 'recipe':
      return null;
    case 'train': {
      const noModel = state.model.status !== 'ready';
      const noData = state.dataset.status !== 'ready';
      if (noModel && noData) return 'noModelNoData';
      if (noModel) return 'noModel';
      if (noData) return 'noData';
      if (state.dataset.summary?.format === null) return 'columnsNotChosen';
      if (isRemote(state)) return 'notDownloaded';
      if (state.dataset.error && !state.dataset.tokenized && !state.dataset.tokenizing) return 'dataUnusable';
      if (!state.dataset.tokenized || state.dataset.tokenizing) return 'dataNotReady';
      if (state.dataset.tokenized.trainedTokens === 0) return 'nothingTrained';
      if (Object.keys(state.recipe.invalid).length > 0) return 'recipeInvalid';
      return busyWith(state) && !isTraining(state) ? 'busy' : null;
    }
    case 'try':
      if (state.model.status !== 'ready') return 'noModel';
      if (isTraining(state)) return 'busy';
      return state.model.tokenizer === 'none' && !state.adapter ? 'noTokenizer' : null;
  }
}

/** Whether only headers of the open model are here: its weights are on a Hub. */
export function isRemote({ model }: Pick<Studio, 'model'>): boolean {
  return model.status === 'ready' && model.source?.kind === 'hub';
}

/** Where the step stands, for the rail. */
export function stepStatus(state: Studio, step: StepId): StepStatus {
  if (isBusy(state, step)) return 'busy';
  if (blockReason(state, step)) return 'blocked';
  if (isDone(state, step)) return 'done';
  // The recipe has defaults that will do, so it is never what a person must do next unless it is wrong.
  if (step === 'recipe') return Object.keys(state.recipe.invalid).length > 0 ? 'current' : 'open';
  const before = stepIds.slice(0, stepIds.indexOf(step));
  if (step === 'try' && !state.adapter) return 'open';
  return before.every((other) => ['done', 'blocked', 'open'].includes(stepStatus(state, other)))
    ? 'current'
    : 'open';
}

function isDone(state: Studio, step: StepId): boolean {
  switch (step) {
    case 'model':
      return state.model.status === 'ready' && !isRemote(state);
    case 'data':
      return state.dataset.tokenized !== null && state.dataset.tokenized.trainedTokens > 0;
    case 'recipe':
      return (
        isDone(state, 'model') && isDone(state, 'data') && Object.keys(state.recipe.invalid).length === 0
      );
    case 'train':
      return state.adapter !== null;
    case 'try':
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
    case 'try':
      return ['generate', 'merge', 'adapter'].includes(busyWith(state) ?? '');
  }
}
