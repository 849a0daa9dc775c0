import { useMemo } from 'react';
import type { RecipeFacts } from '../../../../base/config/recipeQuestions.ts';
import { useStudio } from '../../../store/index.ts';
import { recipeFacts } from '../../../store/recipeFacts.ts';

/** What the page knows of model, data and device that decides which settings suit. */
export function useRecipeFacts(): RecipeFacts {
  const model = useStudio((state) => state.model);
  const dataset = useStudio((state) => state.dataset);
  const prefs = useStudio((state) => state.prefs);
  return useMemo(() => recipeFacts({ model, dataset, prefs }), [model, dataset, prefs]);
}
