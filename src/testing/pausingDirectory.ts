import type { Directory } from '../base/storage/types.ts';

/**
 * A directory each of whose calls, and each of those of its files and of the directories in it, first awaits `before`: a
 * process that can be stopped between any two of them.
 */
export function pausingDirectory(directory: Directory, before: () => Promise<void>): Directory {
  return pausing(directory, before);
}

function pausing<T extends object>(target: T, before: () => Promise<void>): T {
  return new Proxy(target, {
    get(_, key) {
      const value = Reflect.get(target, key, target) as unknown;
      if (typeof value !== 'function') return value;
      return async (...args: unknown[]) => {
        await before();
        const result = (await Reflect.apply(value, target, args)) as unknown;
        return hasMethods(result) ? pausing(result, before) : result;
      };
    },
  });
}

function hasMethods(value: unknown): value is object {
  return (
    typeof value === 'object' && value !== null && ('read' in value || 'write' in value || 'list' in value)
  );
}
