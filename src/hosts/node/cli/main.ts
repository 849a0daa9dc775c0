import { existsSync } from 'node:fs';
import { GraftError } from '../../../base/lib/errors.ts';
import { helpOf, overview } from './help.ts';
import { commands } from './commands/index.ts';
import { finishOutput, logError, printText } from './terminal.ts';

async function main([name, ...args]: string[]): Promise<void> {
  if (name === undefined || name === 'help' || name === '--help') return printText(overview(commands));
  const found = commands.find((command) => command.name === name);
  if (!found) {
    const known = commands.map((command) => command.name).join(', ');
    throw new GraftError('cli.unknown_command', { command: name, known });
  }
  if (args.includes('--help')) printText(helpOf(found));
  else await found.run(args);
}

/** npm runs scripts in the project's folder; paths are relative to where it was called. */
function restoreCwd(): void {
  const { npm_lifecycle_event: script, INIT_CWD: folder } = process.env;
  if (script === 'graft' && folder && existsSync(folder)) process.chdir(folder);
}

restoreCwd();
const status = await main(process.argv.slice(2)).then(
  () => 0,
  (error: unknown) => (logError(error), 1),
);
// Dawn's threads would keep some processes from ending by themselves.
process.exit(await finishOutput(status));
