/** A text within a JSON value, with its path. */
export interface TextLeaf {
  path: readonly (string | number)[];
  text: string;
}

/** All texts in a JSON value, in order. */
export function textLeaves(value: unknown, path: TextLeaf['path'] = []): TextLeaf[] {
  if (typeof value === 'string') return [{ path, text: value }];
  if (Array.isArray(value)) return value.flatMap((item, index) => textLeaves(item, [...path, index]));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => textLeaves(item, [...path, key]));
}

/** The value with another text at `path`; does not modify the given value. */
export function withLeaf(value: unknown, path: TextLeaf['path'], text: string): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return text;
  if (Array.isArray(value)) return value.map((item, i) => (i === key ? withLeaf(item, rest, text) : item));
  const entries = Object.entries(value as object);
  return Object.fromEntries(
    entries.map(([name, item]) => [name, name === key ? withLeaf(item, rest, text) : item]),
  );
}

/** A path for display: messages[0].content. */
export function pathName(path: TextLeaf['path']): string {
  return path.map((key, i) => (typeof key === 'number' ? `[${key}]` : i === 0 ? key : `.${key}`)).join('');
}
