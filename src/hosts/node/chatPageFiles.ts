import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { ChatPageParts } from '../../content/formats/gguf/chatPage.ts';
import { readChatPageTexts } from './chatPageTexts.ts';

/** What every chat page has, and the licence of its engine, from this package and from wllama's. */
export async function readChatPage(): Promise<ChatPageParts> {
  const { resolve } = createRequire(import.meta.url);
  const read = async (path: string) => Uint8Array.from(await readFile(resolve(`@wllama/wllama/${path}`)));
  return {
    texts: readChatPageTexts(),
    engine: {
      script: await read('esm/index.min.js'),
      program: await read('esm/wasm/wllama.wasm'),
      license: new TextDecoder().decode(await read('LICENCE')),
    },
  };
}
