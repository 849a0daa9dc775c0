import { GraftError, messageOf } from '../base/lib/errors.ts';
import { opfsDirectory } from '../base/storage/opfsDirectory.ts';
import { opfsRoot, removeOpfsFolder } from '../base/storage/opfsRoot.ts';

const FOLDER = 'source-test';
const FILE = 'file';

/** Results of a test of OPFS sources in a worker. */
export interface OpfsReport {
  /** Whether two sources read the right bytes while both held the file open. */
  together: boolean;
  /** Whether the file could be changed while it was held open, as an error code, and after its release. */
  changeWhileOpen: string | null;
  changeAfterRelease: string | null;
  /** Whether a source read the right bytes while another owner held the file exclusively. */
  whileOwned: boolean;
  /** The error code of a read past the end of the file. */
  beyondEnd: string | null;
  /** Whether the bytes are right after a release. */
  afterRelease: boolean;
}

const codeOf = (work: Promise<unknown>): Promise<string | null> =>
  work.then(
    () => null,
    (error: unknown) => (error instanceof GraftError ? error.code : messageOf(error)),
  );

async function run(): Promise<OpfsReport> {
  const bytes = new Uint8Array(300_000).map((_, i) => Math.imul(i + 1, 2654435761) >>> 24);
  const folder = await opfsDirectory(FOLDER);
  const made = await folder.edit(FILE);
  await made.write(0, bytes);
  await made.close();
  const [first, second] = [await folder.open(FILE), await folder.open(FILE)];
  const fills = async (source: typeof first, offset: number, length: number): Promise<boolean> => {
    const target = new Uint8Array(length);
    await source.readInto(offset, target);
    return target.every((byte, i) => byte === bytes[offset + i]);
  };
  const root = await opfsRoot();
  const handle = await (await root.getDirectoryHandle(FOLDER)).getFileHandle(FILE);
  const openForOne = async (): Promise<{ close(): void }> =>
    (
      handle as FileSystemFileHandle & { createSyncAccessHandle(): Promise<{ close(): void }> }
    ).createSyncAccessHandle();
  const together = (await fills(first, 5, 70_000)) && (await fills(second, 100_000, 200_000));
  const changeWhileOpen = await openForOne().then(
    (access) => (access.close(), null),
    (error: DOMException) => error.name,
  );
  const beyondEnd = await codeOf(first.readInto(299_999, new Uint8Array(2)));
  await first.release!();
  await second.release!();
  const owner = await openForOne();
  const whileOwned = await fills(first, 1, 9_999);
  owner.close();
  await first.release!();
  const changeAfterRelease = await codeOf(openForOne().then((access) => access.close()));
  const afterRelease = await fills(first, 0, 300_000);
  await first.release!();
  await removeOpfsFolder(FOLDER);
  return { together, changeWhileOpen, changeAfterRelease, whileOwned, beyondEnd, afterRelease };
}

self.onmessage = async () => {
  self.postMessage(await run().catch((error: unknown) => ({ error: messageOf(error) })));
};
