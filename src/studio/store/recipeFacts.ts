import type { RecipeFacts } from '../../base/config/recipeQuestions.ts';
import { budgetOf } from './memory.ts';
import { modulesOf } from './moduleParts.ts';
import type { Studio } from './state.ts';

type Known = Pick<Studio, 'model' | 'dataset' | 'prefs'>;

/** What the page knows of model, data and device that decides which settings suit. */
export function recipeFacts({ model, dataset, prefs }: Known): RecipeFacts {
  const { summary } = model;
  const { tokenized } = dataset;
  return {
    parameters: summary?.parameters ?? null,
    hiddenSize: summary?.hiddenSize ?? null,
    maxPositions: summary?.maxPositions ?? null,
    attention: summary && modulesOf('attention', summary.linearModules),
    quantized: (summary?.quantized ?? null) !== null,
    rows: tokenized?.rows ?? null,
    heldOut: tokenized?.evalRows ?? null,
    longest: tokenized?.longest ?? null,
    gpuMemory: budgetOf({ prefs }),
  };
}

/** Whether any of it differs between two states of the page. */
export function factsDiffer(now: Known, before: Known): boolean {
  return (
    now.model.summary !== before.model.summary ||
    now.dataset.tokenized !== before.dataset.tokenized ||
    now.prefs.gpuMemoryGB !== before.prefs.gpuMemoryGB
  );
}
