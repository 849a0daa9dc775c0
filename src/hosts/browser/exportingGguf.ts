import { withHandleFolder } from '../../base/storage/handleLock.ts';
import { ggufFileName, loraFileName } from '../../content/hub/usage.ts';
import { CHAT_FILE_BYTES, chatPage } from '../../content/formats/gguf/chatPage.ts';
import { writeBytes } from '../../content/formats/text.ts';
import { textFile, type GgufOptions } from '../../engine/merge/gguf/writeGguf.ts';
import type { MergeFolder } from '../../engine/merge/mergeFolder.ts';
import type { Session } from '../../session/session.ts';
import { generationOf, modelfileOf } from '../../session/ggufExport.ts';
import { mergedName, zipFile } from './exporting.ts';
import { mergeStaging } from './mergeStaging.ts';
import type { GgufOutcome, GgufRequest, Phase, Progress } from './protocol.ts';

/** The GGUF file in a folder for Ollama, and in that of a chat page where it is not in parts. */
const MODEL_FILE = 'model.gguf';

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
  const file = form === 'file' ? ggufFileName(title) : MODEL_FILE;
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

/** What is written beside the model, and how large its files may be. */
async function besideModel(
  { model: { files } }: Session,
  { form, chat, ends }: GgufRequest,
  title: string,
): Promise<Pick<GgufOptions, 'last' | 'maxFileBytes'>> {
  if (form === 'ollama') {
    return { last: [textFile('Modelfile', await modelfileOf(files, ends, chat, MODEL_FILE))] };
  }
  if (form !== 'chat') return {};
  const { readChatPage } = await import('./chatPageFiles.ts');
  const { page, license } = await readChatPage();
  const generation = await generationOf(files.folder);
  const facts = { title, generation, maxPositions: files.spec.maxPositions, license };
  return { maxFileBytes: CHAT_FILE_BYTES, last: (model) => chatPage({ ...facts, files: model }, page) };
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
