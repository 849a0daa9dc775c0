import { pushFiles, type PushProgress } from '../../../../content/hub/push.ts';
import { GraftError } from '../../../../base/lib/errors.ts';
import { command } from '../command.ts';
import { checkHubAccess, hubOf } from '../hubAccess.ts';
import { confirmPush, publicationOf, showPublication } from '../publishing.ts';
import { flag, optional, required } from '../options.ts';
import { hubOptions } from '../commonOptions.ts';
import { log, printText } from '../terminal.ts';

export const push = command(
  'push',
  'Pushes an adapter or a merged model to the Hub as one commit, with the token of $HF_TOKEN, and prints what it made as JSON. Only files of an adapter or a model are sent, and listed first. A new repo is private. Cut off, it may be run again: what was sent is not sent twice.',
  {
    dir: required('Model', 'DIR', 'A folder with an adapter or a model.'),
    repo: required('Output', 'org/name', 'The repo; it is created where there is none.'),
    public: flag('Output', 'Creates a public repo.'),
    title: optional('Output', 'TEXT', 'Title of the commit.'),
    dryRun: flag('Output', 'Lists what would be sent, and sends nothing.'),
    yes: flag('Output', 'Does not ask at a terminal, and allows local paths in the files.'),
    ...hubOptions,
  },
  async (options, usage) => {
    const { dir, repo } = options;
    checkHubAccess(options, usage, [`hf:${repo}`]);
    const publication = await publicationOf(dir, options.yes);
    const hub = hubOf(options);
    // Before anyone is asked about files that could not be sent.
    if (!options.dryRun && !(await hub.hasToken(repo))) {
      throw new GraftError('hub.push_no_token', { host: hub.host, repo });
    }
    showPublication(publication, repo);
    if (options.dryRun) return;
    if (!options.yes) await confirmPush();
    const made = publication.kind === 'adapter' ? 'Adapter' : 'Model';
    const outcome = await pushFiles(hub, repo, publication.files, {
      title: options.title ?? `${made} trained with Graft`,
      private: !options.public,
      onProgress: phaseReporter(),
    });
    for (const name of outcome.removed) log(`Removed ${name}, which belonged to earlier weights.`);
    printText(JSON.stringify(outcome, null, 2));
  },
);

/** A line on stderr for each tenth of a phase. */
function phaseReporter(): (progress: PushProgress) => void {
  let told = '';
  return ({ phase, done, total }) => {
    const line = `${phase}: ${Math.floor((10 * done) / Math.max(1, total)) * 10} %`;
    if (line === told || phase === 'preparing') return;
    told = line;
    log(phase === 'committing' ? 'committing' : line);
  };
}
