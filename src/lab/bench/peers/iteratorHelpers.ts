type Helper = (this: Iterable<unknown>, f: (value: unknown, index: number) => unknown) => unknown;

function* map(this: Iterable<unknown>, f: (value: unknown, index: number) => unknown) {
  let i = 0;
  for (const value of this) yield f(value, i++);
}

function* filter(this: Iterable<unknown>, f: (value: unknown, index: number) => unknown) {
  let i = 0;
  for (const value of this) if (f(value, i++)) yield value;
}

const helpers: Record<string, Helper> = {
  map,
  filter,
  toArray() {
    return [...this];
  },
  some(f) {
    return [...this].some(f);
  },
  every(f) {
    return [...this].every(f);
  },
  forEach(f) {
    for (const [i, value] of [...this].entries()) f(value, i);
  },
};

/** Defines the iterator helpers of ES2025 that jax-js calls, if Node (20) lacks them. */
export function defineIteratorHelpers(): void {
  const prototype = Object.getPrototypeOf(Object.getPrototypeOf([].values())) as object;
  for (const [name, value] of Object.entries(helpers)) {
    if (name in prototype) continue;
    Object.defineProperty(prototype, name, { value, configurable: true, writable: true });
  }
}
