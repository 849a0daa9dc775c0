import { existsSync } from 'node:fs';
import { GraftError, messageOf } from '../lib/errors.ts';
import * as cache from './commands/cache.ts';
import * as data from './commands/data.ts';
import * as evaluate from './commands/eval.ts';
import * as fetchModel from './commands/fetch.ts';
import * as generate from './commands/generate.ts';
import * as lrRange from './commands/lrRange.ts';
import * as merge from './commands/merge.ts';
import * as plan from './commands/plan.ts';
import * as profile from './commands/profile.ts';
import * as push from './commands/push.ts';
import * as quantize from './commands/quantize.ts';
import * as train from './commands/train.ts';
import * as tune from './commands/tune.ts';

/** Every command: a usage line and what it does with its arguments. */
const commands: Record<string, { usage: string; run(args: string[]): Promise<void> }> = {
  data,
  train,
  eval: evaluate,
  generate,
  merge,
  plan,
  profile,
  tune,
  'lr-range': lrRange,
  quantize,
  fetch: fetchModel,
  push,
  cache,
};

async function main([command, ...args]: string[]): Promise<void> {
  if (command === undefined || command === 'help' || command === '--help') {
    for (const { usage } of Object.values(commands)) console.log(`graft ${usage}`);
    return;
  }
  const found = Object.hasOwn(commands, command) ? commands[command] : undefined;
  if (!found) {
    throw new GraftError('cli.unknown_command', { command, known: Object.keys(commands).join(', ') });
  }
  if (args.includes('--help')) console.log(`graft ${found.usage}`);
  else await found.run(args);
}

/** npm runs scripts in the project's folder; paths are meant from where the person is. */
function goWhereThePersonIs(): void {
  const { npm_lifecycle_event: script, INIT_CWD: folder } = process.env;
  if (script === 'graft' && folder && existsSync(folder)) process.chdir(folder);
}

function report(error: unknown): number {
  // One line for people; the stack, where the fault is ours, for whoever asks for it.
  console.error(`graft: ${messageOf(error).replaceAll('\n', ' ')}`);
  if (process.env.GRAFT_DEBUG) console.error(error);
  return 1;
}

goWhereThePersonIs();
const status = await main(process.argv.slice(2)).then(() => 0, report);
// Dawn's threads would keep some processes from ending by themselves. What was printed must be on its way before.
process.stdout.write('', () => process.stderr.write('', () => process.exit(status)));
