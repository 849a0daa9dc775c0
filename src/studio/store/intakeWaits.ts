import { busyWith, isTraining, type Studio } from './state.ts';
import type { QueuedItem, WaitReason } from './state/intake.ts';

/** Why something dropped is not opened yet; null if the page is free for it. */
export function waitReason(state: Studio, { id, item }: QueuedItem): WaitReason | null {
  const { intake, question, projects, device, dataset, model, recipe, runs } = state;
  if (question || intake.question || recipe.proposal) return 'question';
  if (projects.restoring) return 'project';
  if (intake.opening) return 'opening';
  // Things of a kind are opened in the order they came, and an adapter after the model it belongs to.
  const before = intake.queue.slice(
    0,
    intake.queue.findIndex((queued) => queued.id === id),
  );
  const needsModel = item.kind === 'adapter' || item.kind === 'job';
  const follows = needsModel ? [item.kind, 'model'] : [item.kind];
  if (before.some((queued) => follows.includes(queued.item.kind))) return 'opening';
  switch (item.kind) {
    case 'model':
    case 'adapter':
    case 'project':
      if (item.kind !== 'project' && device.status === 'checking') return 'device';
      return busyWith(state) ?? (item.kind === 'adapter' && model.status !== 'ready' ? 'noModel' : null);
    case 'data':
      if (isTraining(state)) return 'train';
      return dataset.status === 'reading' ? 'reading' : null;
    case 'recipe':
    case 'flags':
      return isTraining(state) ? 'train' : null;
    case 'job':
      if (runs.working) return 'runs';
      return busyWith(state) ?? (model.status !== 'ready' ? 'noModel' : null);
    case 'run':
      return runs.working ? 'runs' : null;
  }
}
