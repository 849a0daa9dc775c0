import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chatPageNames, type ChatPageFiles } from '../../content/formats/gguf/chatPage.ts';

/** Files of a chat page from npm packages; the others are in public/chat-page/. */
const packaged: Readonly<Record<string, string>> = {
  'wllama.js': '@wllama/wllama/esm/index.min.js',
  'wllama.wasm': '@wllama/wllama/esm/wasm/wllama.wasm',
};

/** What every chat page has, and the licence of its engine. */
export async function readChatPage(): Promise<{ page: ChatPageFiles; license: string }> {
  const { resolve } = createRequire(import.meta.url);
  const own = join(packageRoot(), 'public', 'chat-page');
  const read = async (name: string) =>
    [name, Uint8Array.from(await readFile(resolve(packaged[name] ?? join(own, name))))] as const;
  const page = Object.fromEntries(await Promise.all(chatPageNames.map(read))) as unknown as ChatPageFiles;
  return { page, license: await readFile(resolve('@wllama/wllama/LICENCE'), 'utf8') };
}

/** The folder of this package: sources and builds lie at different depths of it. */
function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'public', 'chat-page')) && dirname(folder) !== folder)
    folder = dirname(folder);
  return folder;
}
