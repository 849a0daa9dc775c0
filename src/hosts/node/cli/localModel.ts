import { existsSync, statSync } from 'node:fs';
import { nodeFolder, nodeSource } from '../../../base/storage/nodeFolder.ts';
import type { Folder } from '../../../base/storage/types.ts';
import { ggufFolder, ggufSummaryOf, presentGguf } from '../../../content/formats/gguf/ggufFolder.ts';
import { checkNotInUse } from './output.ts';
import { isOllama, ollamaBlob } from './ollamaModels.ts';
import { log } from './terminal.ts';

/**
 * A model of this machine, as the command line names it: a Hugging Face folder, a GGUF file, or `ollama:name[:tag]`. Of a GGUF
 * file stderr says what is unpacked. Throws what opening it throws.
 */
export async function localModel(name: string): Promise<Folder> {
  if (isOllama(name)) return told(await ggufFolder(await ollamaBlob(name)));
  if (await isGgufFile(name)) return told(await ggufFolder(await nodeSource(name)));
  await checkNotInUse(name);
  const folder = await presentGguf(nodeFolder(name));
  return told(folder);
}

/** Whether a path is a GGUF file, or one that calls itself so; what is another file is named as no folder. */
async function isGgufFile(path: string): Promise<boolean> {
  if (!existsSync(path) || !statSync(path).isFile()) return false;
  if (path.toLowerCase().endsWith('.gguf')) return true;
  const source = await nodeSource(path);
  if (source.size < 4) return false;
  return new TextDecoder().decode(await source.read(0, 4)) === 'GGUF';
}

function told(folder: Folder): Folder {
  const summary = ggufSummaryOf(folder);
  if (!summary) return folder;
  const { file, architecture, types, unpacked } = summary;
  const parts = types.map(({ type, tensors }) => `${tensors} × ${type}`).join(', ');
  log(`${file}: GGUF, ${architecture}, ${parts}.${unpacked ? ' What is quantized is unpacked to F16.' : ''}`);
  return folder;
}
