import { openGpu } from '../../engine/gpu/device.ts';
import { blobSource } from '../../base/storage/byteSource.ts';
import { opfsDirectory } from '../../base/storage/opfsDirectory.ts';
import { opfsFile, removeOpfsFolder } from '../../base/storage/opfsRoot.ts';
import { measureUploads, UPLOAD_BYTES } from './uploadPaths.ts';

const FOLDER = 'upload-bench';
const FILE = 'weights';
const PIECE = 16 * 1024 * 1024;

/** Measures in a dedicated worker, with a file in OPFS. */
async function run(): Promise<{ adapter: string; seconds: Record<string, number> }> {
  const gpu = await openGpu(navigator.gpu, {});
  const folder = await opfsDirectory(FOLDER);
  const file = await folder.edit(FILE);
  const bytes = new Uint8Array(PIECE).map((_, i) => Math.imul(i + 1, 2654435761) >>> 24);
  for (let at = 0; at < UPLOAD_BYTES; at += PIECE) await file.write(at, bytes);
  await file.flush();
  await file.close();
  try {
    const slices = blobSource(FILE, await opfsFile(FOLDER, FILE));
    const seconds = await measureUploads(gpu, await folder.open(FILE), slices);
    return { adapter: gpu.description, seconds };
  } finally {
    await removeOpfsFolder(FOLDER);
  }
}

self.onmessage = async () => {
  self.postMessage(await run().catch((error: unknown) => ({ error: String(error) })));
};
