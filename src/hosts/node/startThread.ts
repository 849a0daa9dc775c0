import { Worker } from 'node:worker_threads';

/** Whether this runs from TypeScript sources, which Node's own loader does not read, or from the built package. */
const fromSources = import.meta.url.endsWith('.ts');

/**
 * Starts a thread of Node for programs of others, from a script beside this one.
 * @param name of the script: `textThread` and the like
 * @param heapMb limit of its heap: what exceeds it ends the thread alone
 */
export function startThread(name: string, heapMb: number): Worker {
  const script = new URL(`./${name}.${fromSources ? 'ts' : 'js'}`, import.meta.url);
  const options = { name, execArgv: [], resourceLimits: { maxOldGenerationSizeMb: heapMb } };
  return fromSources
    ? new Worker(
        `import('tsx/esm/api').then(({ tsImport }) => tsImport('${script.href}', '${script.href}'))`,
        { ...options, eval: true },
      )
    : new Worker(script, options);
}
