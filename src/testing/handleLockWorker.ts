import { GraftError, messageOf } from '../base/lib/errors.ts';
import { withHandleFolder } from '../base/storage/handleLock.ts';
import { opfsRoot } from '../base/storage/opfsRoot.ts';
import type { OwnedFolder } from '../base/storage/ownedFolder.ts';
import { writeText } from '../content/formats/text.ts';

const [FOLDER, LOCK] = ['handle-lock-test', '.graft-owner.lock'];

/** What a worker finds of locks in a folder that was chosen: error codes, null where something was allowed. */
export interface HandleLockReport {
  /** A second owner while the first works; and what the folder lists meanwhile. */
  second: string | null;
  listed: string[];
  /** A write once the lock is gone, and once it is another's. */
  lost: string | null;
  replaced: string | null;
  /** The next owner after one that has ended; after a tab that was closed; after another program that was just there. */
  next: string | null;
  closedTab: string | null;
  stranger: string | null;
  /** What is left in the folder in the end. */
  left: string[];
}

const codeOf = (work: Promise<unknown>): Promise<string | null> =>
  work.then(
    () => null,
    (error: unknown) => (error instanceof GraftError ? error.code : messageOf(error)),
  );

async function run(): Promise<HandleLockReport> {
  const root = await opfsRoot();
  await root.removeEntry(FOLDER, { recursive: true }).catch(() => undefined);
  const handle = await root.getDirectoryHandle(FOLDER, { create: true });
  const own = (work: (folder: OwnedFolder) => Promise<unknown> = async () => undefined) =>
    codeOf(withHandleFolder(handle, work));
  const lockText = async () => (await (await handle.getFileHandle(LOCK)).getFile()).text();
  const setLock = async (text: string): Promise<void> => {
    const writable = await (await handle.getFileHandle(LOCK, { create: true })).createWritable();
    await writable.write(text);
    await writable.close();
  };
  const report: Partial<HandleLockReport> = {};
  let record = '';
  await own(async (folder) => {
    await writeText(folder, 'a.txt', 'a');
    report.second = await own();
    report.listed = await folder.list();
    record = await lockText();
  });
  report.next = await own((folder) => folder.remove('a.txt'));
  report.lost = await own(async (folder) => {
    await handle.removeEntry(LOCK);
    await writeText(folder, 'b.txt', 'b');
  });
  report.replaced = await own(async (folder) => {
    await setLock(record);
    await folder.create('c.txt');
  });
  // Now there is the lock of an owner that has ended without a word.
  report.closedTab = await own();
  await setLock(JSON.stringify({ ...(JSON.parse(record) as object), machine: 'a machine', boot: 'a boot' }));
  report.stranger = await own();
  await handle.removeEntry(LOCK);
  report.left = [];
  for await (const name of handle.keys()) report.left.push(name);
  await root.removeEntry(FOLDER, { recursive: true });
  return report as HandleLockReport;
}

self.onmessage = async () => {
  self.postMessage(await run().catch((error: unknown) => ({ error: messageOf(error) })));
};
