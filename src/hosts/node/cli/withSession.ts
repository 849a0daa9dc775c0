import { nodeFolder } from '../../../base/storage/nodeFolder.ts';
import { GraftError } from '../../../base/lib/errors.ts';
import type { OpenedAdapter } from '../../../engine/model/trained/openAdapter.ts';
import type { OpenModel } from '../../../session/openModel.ts';
import { Session } from '../../../session/session.ts';
import { closeDawn } from '../dawn.ts';
import { nodeHost } from '../host.ts';
import { isOnHub } from './hubAccess.ts';
import { checkNotInUse } from './output.ts';
import { modelFolder, type ModelChoice } from './hubModel.ts';
import { log } from './terminal.ts';

/** Runs `work` with a session of this machine's GPU, and closes it so that the process can end. Throws `cli.no_gpu`. */
export async function withSession<T>(work: (session: Session) => Promise<T>): Promise<T> {
  const host = nodeHost();
  const openGpu = () => host.openGpu().catch((error: unknown) => Promise.reject(withDriver(error)));
  const session = new Session({ ...host, openGpu });
  try {
    return await work(session);
  } finally {
    await session.close();
    closeDawn();
  }
}

/** Opens the model of a command: a folder, or one of a Hub, which is downloaded first. Nothing is cached of a folder. */
export async function openModelOf(session: Session, choice: ModelChoice): Promise<OpenModel> {
  return session.openModel(await modelFolder(choice), { cacheQuantized: isOnHub(choice.model) });
}

/** Reads the adapter of a command, or nothing where there is no path; its warnings go to stderr. */
export async function readAdapterOf(
  session: Session,
  path: string | undefined,
): Promise<OpenedAdapter | null> {
  if (path === undefined) return null;
  await checkNotInUse(path);
  const opened = await session.readAdapter(nodeFolder(path));
  for (const { message } of opened.warnings) log(`graft: ${message}`);
  return opened;
}

/** Without a browser the driver is missing, perhaps because another was chosen. */
function withDriver(error: unknown): unknown {
  if (!(error instanceof GraftError) || error.code !== 'gpu.no_adapter') return error;
  const chosen = ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES'].find((name) => process.env[name]);
  const detail = chosen === undefined ? '' : ` (${chosen} is ${process.env[chosen]})`;
  return new GraftError('cli.no_gpu', { detail }, { cause: error });
}
