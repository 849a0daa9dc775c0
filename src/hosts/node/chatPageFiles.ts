import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { chatPageFiles, type ChatPageFiles } from '../../content/formats/gguf/chatPage.ts';
import { readChatPageTexts } from './chatPageTexts.ts';

/** What every chat page has, and the licence of its engine, from this package and from wllama's. */
export async function readChatPage(): Promise<{ page: ChatPageFiles; license: string }> {
  const { resolve } = createRequire(import.meta.url);
  const read = async (path: string) => Uint8Array.from(await readFile(resolve(`@wllama/wllama/${path}`)));
  const page = chatPageFiles(readChatPageTexts(), {
    'wllama.js': await read('esm/index.min.js'),
    'wllama.wasm': await read('esm/wasm/wllama.wasm'),
  });
  return { page, license: new TextDecoder().decode(await read('LICENCE')) };
}
