// oxlint-disable-next-line import/default -- with ?url it is the file's address
import script from '@wllama/wllama/esm/index.min.js?url';
import program from '@wllama/wllama/esm/wasm/wllama.wasm?url';
import license from '@wllama/wllama/LICENCE?raw';
import type { ChatPageParts } from '../../content/formats/gguf/chatPage.ts';
import { GraftError } from '../../base/lib/errors.ts';

const folder = '../../content/formats/gguf/page/';

const texts = import.meta.glob<string>('../../content/formats/gguf/page/*', {
  query: '?raw',
  import: 'default',
  eager: true,
});

/**
 * What every chat page has, and the licence of its engine, which comes from where the studio is served: too much to be kept
 * offline for those who never need it. Throws `export.chat_page_missing`.
 */
export async function readChatPage(): Promise<ChatPageParts> {
  const named = Object.entries(texts).map(([path, text]) => [path.slice(folder.length), text]);
  return {
    texts: Object.fromEntries(named) as Record<string, string>,
    engine: {
      script: await load('wllama.js', script),
      program: await load('wllama.wasm', program),
      license,
    },
  };
}

async function load(file: string, address: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const response = await fetch(address);
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    throw new GraftError('export.chat_page_missing', { file, reason: String(error) }, { cause: error });
  }
}
