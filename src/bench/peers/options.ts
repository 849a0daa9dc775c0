/** The parts of an option's value, which stand between commas; without the option, `all`. */
export function listOf<T>(
  value: string | undefined,
  all: readonly T[],
  parse: (part: string) => T,
): readonly T[] {
  if (value === undefined) return all;
  return value
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean)
    .map(parse);
}
