/** Tells whether some text of a row's value holds `query`, whatever its case. */
export function textMatcher(query: string): (value: unknown) => boolean {
  const wanted = query.toLowerCase();
  const holds = (value: unknown): boolean => {
    if (typeof value === 'string') return value.toLowerCase().includes(wanted);
    if (typeof value === 'number' || typeof value === 'boolean') return String(value) === wanted;
    return typeof value === 'object' && value !== null && Object.values(value).some(holds);
  };
  return holds;
}
