import { formatJson, formatLayers, formatNumber } from '../../store/recipeShape.ts';
import { hasText, t } from '../text/index.ts';

/** A value of a recipe as people read it. */
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

/** An option of a choice as people read it. */
export function optionText(option: string): string {
  const key = `option.${option}`;
  return hasText(key) ? t(key) : option;
}
