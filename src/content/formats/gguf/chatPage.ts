import { serveCommand } from './serveCommand.ts';

/** Files of a chat page that are the same for every model, by their names. */
export type ChatPageFiles = Readonly<Record<(typeof chatPageNames)[number], Uint8Array<ArrayBuffer>>>;

/** The page's own files, which lie in page/. */
export const chatPageTexts = ['chat.css', 'chat.js', 'index.html'] as const;

/** In the order they are written; with the page itself, the last, the folder is one. */
export const chatPageNames = ['chat.css', 'chat.js', 'wllama.js', 'wllama.wasm', 'index.html'] as const;

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
  /** Licence of wllama, in full. */
  license: string;
}

/** Names of generation settings, and llama.cpp's. */
const SAMPLING: Readonly<Record<string, string>> = {
  temperature: 'temperature',
  top_p: 'top_p',
  top_k: 'top_k',
  min_p: 'min_p',
  repetition_penalty: 'repeat_penalty',
};

/** The files of every chat page, of the page's own by name and its engine's. */
export function chatPageFiles(
  texts: Readonly<Record<string, string>>,
  engine: Pick<ChatPageFiles, 'wllama.js' | 'wllama.wasm'>,
): ChatPageFiles {
  const encoded = chatPageTexts.map((name) => [name, new TextEncoder().encode(texts[name])]);
  return {
    ...engine,
    ...(Object.fromEntries(encoded) as Pick<ChatPageFiles, (typeof chatPageTexts)[number]>),
  };
}

/** All files of a chat page beside the model's, in the order they are written. */
export function chatPage(
  facts: ChatPageFacts,
  page: ChatPageFiles,
): { name: string; bytes: Uint8Array<ArrayBuffer> }[] {
  const encode = (text: string) => new TextEncoder().encode(text);
  const own = chatPageNames.map((name) => ({ name, bytes: page[name] }));
  const index = new TextDecoder().decode(page['index.html']);
  const html = index.replace('SETTINGS', () => settingsText(facts));
  return [
    { name: 'README.md', bytes: encode(readme(facts)) },
    { name: 'LICENSES.txt', bytes: encode(licenses(facts.license)) },
    ...own.filter(({ name }) => name !== 'index.html'),
    { name: 'index.html', bytes: encode(html) },
  ];
}

/** JSON that ends no script, whatever the model is called. */
function settingsText({ title, files, generation, maxPositions }: ChatPageFacts): string {
  const samples = generation.do_sample !== false;
  const sampling: Record<string, number> = {};
  for (const [name, own] of Object.entries(SAMPLING)) {
    const value = generation[name];
    // Without sampling its settings mean nothing.
    if (typeof value === 'number' && (samples || name === 'repetition_penalty')) sampling[own] = value;
  }
  const settings = { title, files, context: Math.min(maxPositions, MAX_CONTEXT), sampling };
  return JSON.stringify(settings).replaceAll('<', '\\u003c');
}

function readme({ title, files }: ChatPageFacts): string {
  return `# ${title}

A chat with this model in a web page. Serve this folder, and open the address:

\`\`\`sh
${serveCommand}
\`\`\`

http://127.0.0.1:8000/

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
