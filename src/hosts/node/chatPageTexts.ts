import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chatPageTexts } from '../../content/formats/gguf/chatPage.ts';

const folder = fileURLToPath(new URL('../../content/formats/gguf/page/', import.meta.url));

/** The chat page's own files by their names, as hosts/browser/chatPageFiles.ts has them. */
export function readChatPageTexts(): Readonly<Record<string, string>> {
  return Object.fromEntries(chatPageTexts.map((name) => [name, readFileSync(folder + name, 'utf8')]));
}
