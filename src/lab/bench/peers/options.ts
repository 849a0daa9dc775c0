/** The comma-separated parts of an option's value; without the option, `all`. */
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

/** Checks that `name` is one of `among`; throws otherwise. */
export function oneOf<T extends string>(name: string, among: readonly T[]): T {
  const found = among.find((one) => one === name);
  if (found === undefined) throw new Error(`“${name}” is none of ${among.join(', ')}`);
  return found;
}
