import { samplingSettings } from './samplingSettings.ts';
import { serveAddress, serveCommand } from './serveCommand.ts';

/** The page's own files, which lie in page/. */
export const chatPageTexts = ['chat.css', 'chat.js', 'index.html'] as const;

/** Files beside the model's, in the order they are written: with the page itself, the last, the folder is one. */
const names = [
  'README.md',
  'LICENSES.txt',
  'chat.css',
  'chat.js',
  'wllama.js',
  'wllama.wasm',
  'index.html',
] as const;

/** What every chat page has, whatever its model. */
export interface ChatPageParts {
  /** The page's own files by their names. */
  texts: Readonly<Record<string, string>>;
  /** wllama's module, its program and its licence in full. */
  engine: { script: Uint8Array<ArrayBuffer>; program: Uint8Array<ArrayBuffer>; license: string };
}

/** The most bytes of a file of the model: browsers fetch and hold files of this size well. */
export const CHAT_FILE_BYTES = 512e6;
/** The longest context a page gives a model: its keys and values lie in the tab's memory. */
const MAX_CONTEXT = 4096;

/** What a chat page says of its model. */
export interface ChatPageFacts {
  title: string;
  files: readonly { name: string; size: number }[];
  /** Settings of generation_config.json. */
  generation: Readonly<Record<string, unknown>>;
  /** The longest context the model is made for, in tokens. */
  maxPositions: number;
}

/** All files of a chat page beside the model's, in the order they are written. */
export function chatPage(
  facts: ChatPageFacts,
  { texts, engine }: ChatPageParts,
): { name: string; bytes: Uint8Array<ArrayBuffer> }[] {
  const encode = (text: string) => new TextEncoder().encode(text);
  const bytes: Record<(typeof names)[number], Uint8Array<ArrayBuffer>> = {
    'README.md': encode(readme(facts)),
    'LICENSES.txt': encode(licenses(engine.license)),
    'chat.css': encode(texts['chat.css']!),
    'chat.js': encode(texts['chat.js']!),
    'wllama.js': engine.script,
    'wllama.wasm': engine.program,
    'index.html': encode(texts['index.html']!.replace('SETTINGS', () => settingsText(facts))),
  };
  return names.map((name) => ({ name, bytes: bytes[name] }));
}

/** Whether a chat page has a file of this name, be it a part of its model. */
export function isOfChatPage(name: string): boolean {
  return names.some((own) => own === name) || /^model(?:-\d{5}-of-\d{5})?\.gguf$/.test(name);
}

/** JSON that ends no script, whatever the model is called. */
function settingsText({ title, files, generation, maxPositions }: ChatPageFacts): string {
  const sampling = samplingSettings(generation);
  const settings = { title, files, context: Math.min(maxPositions, MAX_CONTEXT), sampling };
  return JSON.stringify(settings).replaceAll('<', '\\u003c');
}

function readme({ title, files }: ChatPageFacts): string {
  return `# ${title}

A chat with this model in a web page. Serve this folder, and open the address:

\`\`\`sh
${serveCommand}
\`\`\`

${serveAddress}

Any static host will do; browsers open no such page from a disk (\`file://\`). The page loads nothing from elsewhere, and what
is written in it stays in the browser. It needs a browser with 64-bit WebAssembly memory, such as Chrome, Edge or Firefox.
It computes on one core; with all of them where the host sends these headers:

\`\`\`
Cross-Origin-Opener-Policy: same-origin
Cross-Origin-Embedder-Policy: require-corp
\`\`\`

llama.cpp reads the model too: \`llama-server -m ${files[0]!.name}\`.

Licences of the page's engine are in LICENSES.txt; the model's own holds for ${files.length === 1 ? 'its file' : 'its files'}.
`;
}

/** wllama's licence, which is llama.cpp's as well but for its holder. */
function licenses(wllama: string): string {
  const text = wllama.trim();
  const permission = text.slice(text.indexOf('Permission is hereby granted'));
  return `wllama.js and wllama.wasm: wllama

${text}

${'-'.repeat(80)}

In wllama.wasm: llama.cpp and ggml

MIT License

Copyright (c) 2023-2026 The ggml authors

${permission}
`;
}
