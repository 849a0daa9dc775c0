import { withHandleFolder } from '../../base/storage/handleLock.ts';
import { ggufFileName, loraFileName } from '../../content/hub/usage.ts';
import { writeBytes } from '../../content/formats/text.ts';
import type { MergeFolder } from '../../engine/merge/mergeFolder.ts';
import type { Session } from '../../session/session.ts';
import { besideForOllama, besideInChatPage, modelFile, type BesideGguf } from '../../session/ggufExport.ts';
import { mergedName, zipFile } from './exporting.ts';
import { mergeStaging } from './mergeStaging.ts';
import type { GgufOutcome, GgufRequest, Phase, Progress } from './protocol.ts';

/**
 * Writes the result as GGUF into a folder the user chose, or into the origin private file system for a download: one file,
 * or a zip of it with a Modelfile for Ollama or with a chat page, without a copy. An export that was cut off continues.
 */
export async function exportGguf(
  session: Session,
  handle: FileSystemDirectoryHandle | null,
  { form, chat, ...request }: GgufRequest,
  onProgress: (p: Progress) => void,
  signal: AbortSignal,
): Promise<GgufOutcome> {
  const title = mergedName(session);
  if (form === 'lora') return exportLora(session, handle, title);
  const file = form === 'file' ? ggufFileName(title) : modelFile;
  const report = (phase: Phase) => (done: number, total: number) =>
    onProgress({ phase, done, total, unit: 'bytes' });
  const write = async (out: MergeFolder, crc: boolean) => {
    const beside = await besideModel(session, { form, chat, ...request }, title);
    return session.exportGguf(
      out,
      file,
      { ...request, title },
      {
        signal,
        crc,
        onProgress: report('merging'),
        onProving: report('proving'),
        ...beside,
      },
    );
  };
  if (handle) {
    const { files, proof } = await withHandleFolder(handle, (folder) => write(folder, false));
    return { files, proof, file: null };
  }
  const staging = await mergeStaging();
  const { files, proof } = await write(staging.directory, form !== 'file');
  const staged = await Promise.all(
    files.map(async ({ name, crc }) => ({ name, crc, blob: await staging.file(name) })),
  );
  const download =
    form !== 'file' ? await zipFile(`${title}-${form}`, staged) : new File([staged[0]!.blob], file);
  return { files, proof, file: download };
}

async function besideModel(
  { model: { files } }: Session,
  { form, chat, ends }: GgufRequest,
  title: string,
): Promise<BesideGguf> {
  if (form === 'ollama') return besideForOllama(files, ends, chat);
  if (form !== 'chat') return {};
  const { readChatPage } = await import('./chatPageFiles.ts');
  return besideInChatPage(files, title, await readChatPage());
}

async function exportLora(
  session: Session,
  handle: FileSystemDirectoryHandle | null,
  title: string,
): Promise<GgufOutcome> {
  const name = loraFileName(title);
  const { bytes } = await session.exportLoraGguf(title);
  const files = [{ name, size: bytes.byteLength }];
  if (!handle) return { files, proof: null, file: new File([bytes], name) };
  await withHandleFolder(handle, (folder) => writeBytes(folder, name, bytes));
  return { files, proof: null, file: null };
}
