import { openAsBlob } from 'node:fs';
import { join } from 'node:path';
import { pushFiles, type PushProgress } from '../../hub/push.ts';
import { GraftError } from '../../lib/errors.ts';
import { nodeFolder } from '../../storage/nodeFolder.ts';
import { hubAccess, hubFlags, hubOf, hubOptions } from '../hubAccess.ts';
import { Options } from '../options.ts';

export const usage =
  'push --dir DIR --repo org/name [--public] [--title TEXT] [--endpoint URL] [--token-for-endpoint]   (the token is $HF_TOKEN)';

/**
 * Pushes an adapter or a merged model to the Hub as one commit, and prints what it made as JSON. A repo that is made for
 * it is private unless --public. Cut off, it may be run again: what was sent is not sent twice, and there is one commit.
 */
export async function run(args: string[]): Promise<void> {
  const options = new Options(args, usage, ['dir', 'repo', 'title', ...hubOptions], ['public', ...hubFlags]);
  const dir = options.required('dir');
  const repo = options.required('repo');
  const hub = hubOf(hubAccess(options, usage, [`hf:${repo}`]));
  const names = (await nodeFolder(dir).list()).filter((name) => !name.startsWith('.'));
  const kind = kindOf(names, dir);
  const files = new Map<string, Blob>();
  for (const name of names) files.set(name, await openAsBlob(join(dir, name)));
  const title = options.optional('title') ?? `${kind} made with Graft`;
  const outcome = await pushFiles(hub, repo, files, {
    ...{ title, private: !options.flag('public') },
    onProgress: phaseReporter(),
  });
  for (const name of outcome.removed)
    console.error(`${name} was in the repo and belongs to other weights: removed.`);
  console.log(JSON.stringify(outcome, null, 2));
}

/** What is in the folder. Throws `cli.nothing_to_push`. */
function kindOf(names: readonly string[], folder: string): 'Adapter' | 'Model' {
  if (names.includes('adapter_config.json')) return 'Adapter';
  if (names.includes('config.json') && names.some((name) => name.endsWith('.safetensors'))) return 'Model';
  throw new GraftError('cli.nothing_to_push', { folder });
}

/** A line on stderr for each tenth of a phase. */
function phaseReporter(): (progress: PushProgress) => void {
  let told = '';
  return ({ phase, done, total }) => {
    const line = `${phase}: ${Math.floor((10 * done) / Math.max(1, total)) * 10} %`;
    if (line === told || phase === 'preparing') return;
    told = line;
    console.error(phase === 'committing' ? 'committing' : line);
  };
}
