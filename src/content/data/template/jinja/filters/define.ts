import { bind, signature } from '../bind.ts';
import type { Keywords, Value } from '../values.ts';

/** A filter or test: the value before the bar or `is`, and the arguments in parentheses. */
export type Applied = (value: Value, args: readonly Value[], keywords: Keywords) => Value;

/** A filter with parameters, spelled as in {@link signature}, the value first. */
export function filter(
  name: string,
  parameters: string,
  run: (value: Value, ...args: (Value | undefined)[]) => Value,
): [string, Applied] {
  const bound = signature(name, `value, ${parameters}`);
  return [
    name,
    (value, args, keywords) => {
      const [first, ...rest] = bind(bound, [value, ...args], keywords);
      return run(first as Value, ...rest);
    },
  ];
}
