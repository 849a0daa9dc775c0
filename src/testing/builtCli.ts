import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildCli } from '../launch/buildCli.mjs';

/** Paths of the built command line, and of the module that makes it a victim (victim.ts). */
export interface BuiltCli {
  main: string;
  victim: string;
}

let built: Promise<BuiltCli> | null = null;

/** The command line, built once a process. */
export function builtCli(): Promise<BuiltCli> {
  built ??= buildCli({ victim: fileURLToPath(new URL('victim.ts', import.meta.url)) }).then((folder) => ({
    main: join(folder, 'cli.js'),
    victim: join(folder, 'victim.js'),
  }));
  return built;
}
