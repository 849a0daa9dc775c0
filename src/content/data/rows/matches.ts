import { toJsonText } from '../files/exactJson.ts';

/** Whether any text in a row's value contains `query`, ignoring case. */
export function textMatcher(query: string): (value: unknown) => boolean {
  const wanted = query.toLowerCase();
  const holds = (value: unknown): boolean => {
    if (typeof value === 'string') return value.toLowerCase().includes(wanted);
    if (value instanceof Number) return String(value) === wanted || toJsonText(value) === wanted;
    if (['number', 'bigint', 'boolean'].includes(typeof value)) return String(value) === wanted;
    return typeof value === 'object' && value !== null && Object.values(value).some(holds);
  };
  return holds;
}
