import type { RecipeKey } from '../../../../base/config/recipe.ts';
import type { RecipeFacts } from '../../../../base/config/recipeQuestions.ts';
import { formatJson, formatLayers, formatNumber } from '../../../store/recipeShape.ts';
import { formatBytes } from '../../format.ts';
import { hasText, t } from '../../text/index.ts';

/** A value of a recipe for display. */
export function valueText(value: unknown): string {
  if (typeof value === 'number') return formatNumber(value);
  if (typeof value === 'boolean') return t(value ? 'recipe.on' : 'recipe.off');
  if (Array.isArray(value) && value.length === 0) return t('recipe.none');
  if (Array.isArray(value))
    return value.every(Number.isInteger) ? formatLayers(value as number[]) : value.join(', ');
  if (typeof value === 'object' && value !== null)
    return Object.keys(value).length === 0 ? t('recipe.none') : formatJson(value);
  return value === 'all' ? 'all' : optionText(String(value));
}

/** The value of a setting for display: sizes with their unit, and modules by the part of a block that they are. */
export function settingText(key: RecipeKey, value: unknown, facts?: Pick<RecipeFacts, 'attention'>): string {
  if (key === 'memory_budget') return value === 0 ? t('budget.none') : formatBytes(Number(value));
  if (key === 'max_steps' && value === 0) return t('ask.stepsByEpochs');
  const isAttention = key === 'targets' && String(value) === String(facts?.attention ?? null);
  return isAttention ? t('targets.attention') : valueText(value);
}

/** An option of a choice for display. */
export function optionText(option: string): string {
  const key = `option.${option}`;
  return hasText(key) ? t(key) : option;
}
