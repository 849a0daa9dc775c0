import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { GraftError } from '../../../base/lib/errors.ts';
import { bytesSource } from '../../../base/storage/byteSource.ts';
import { parseDataset, type ParsedDataset } from '../../../content/data/files/parse.ts';
import { MAX_PROBLEMS } from '../../../content/data/files/problems.ts';
import { detectFormat, toConversation } from '../../../content/data/rows/formats.ts';
import { alpaca, robotStories } from '../../../testing/fixtures.ts';
import { bytesOf, holds, type FuzzTarget } from '../target.ts';

const fixtureBytes = (name: string): Uint8Array =>
  new Uint8Array(
    readFileSync(fileURLToPath(new URL(`../../../content/data/fixtures/${name}`, import.meta.url))),
  );

/** The first lines of a file. */
const start = (path: string, bytes: number): Uint8Array => new Uint8Array(readFileSync(path)).slice(0, bytes);

const chat =
  '{"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hi 😀"},{"role":"assistant","content":"Hello","weight":0.5,"tool_calls":[{"type":"function","function":{"name":"f","arguments":{"x":1.0}}}]}],"tools":[{"type":"function","function":{"name":"f","parameters":{}}}]}';
const WORDS = [
  '"messages":',
  '"conversations":[{"from":"human","value":"x"}]',
  '"role":"assistant"',
  '"content":',
  '"chosen":',
  '"rejected":',
  '"prompt":',
  '"completion":',
  '"input_ids":[1,2]',
  '"labels":[-100,2]',
  '"text":"x"',
  '"weight":',
  '"data":{"train":',
  '"columns":["a","b"],"data":[["x","y"]]',
  '{"0":"x","1":"y"}',
  '1.0',
  '<image>',
];

/** Reads a file as training does, rows too, and checks what it says of itself. */
async function readRows(name: string, input: Uint8Array<ArrayBuffer>): Promise<void> {
  const parsed = await parseDataset(bytesSource(name, input));
  checkParsed(parsed);
  let format;
  try {
    format = detectFormat(parsed.rows, name);
  } catch (error) {
    if (error instanceof GraftError) return;
    throw error;
  }
  for (const row of parsed.rows.slice(0, 50)) {
    for (const chosenOnly of [true, false]) {
      try {
        toConversation(row, format, { chosenOnly });
      } catch (error) {
        if (!(error instanceof GraftError)) throw error;
      }
    }
  }
}

function checkParsed({ rows, problems, problemCount }: ParsedDataset): void {
  holds(rows.length > 0, 'a file that is read has rows');
  holds(problems.length <= Math.min(problemCount, MAX_PROBLEMS), 'problems are listed at most once');
  let line = 0;
  for (const row of rows) {
    holds(typeof row.value === 'object' && row.value !== null, 'rows are objects');
    holds(row.line >= line, 'rows stand in the order of the file');
    line = row.line;
  }
}

export const dataTargets: readonly FuzzTarget[] = [
  {
    name: 'jsonl',
    text: true,
    quick: 240,
    dictionary: WORDS,
    seeds: async () => [
      start(robotStories, 1500),
      bytesOf(`${chat}\n${chat}\n`),
      bytesOf('{"instruction":"a","input":"","output":"b"}\r\n{"text":"c"}\n'),
      bytesOf(
        '{"chosen":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}],"rejected":"c"}\n',
      ),
      bytesOf('{"input_ids":[1,2,3],"labels":[-100,2,3],"attention_mask":[1,1,1]}\n'),
      bytesOf('{"system":"SYSTEM: x","chat":"USER: a\\n\\n\\nASSISTANT: b <|endoftext|>\\n\\n\\n"}\n'),
      new Uint8Array(Buffer.from(`\ufeff${chat}\n`, 'utf16le')),
    ],
    run: (input) => readRows('data.jsonl', input),
  },
  {
    name: 'json',
    text: true,
    quick: 240,
    dictionary: WORDS,
    seeds: async () => [
      start(alpaca, 2000),
      bytesOf(`[${chat},\n${chat}]`),
      bytesOf(`{"train":[${chat}],"test":[${chat}]}`),
      bytesOf('{"columns":["prompt","completion"],"index":[0],"data":[["a","b"]]}'),
      bytesOf('{"prompt":{"0":"a","1":"b"},"completion":{"0":"c","1":"d"}}'),
      bytesOf('{\n  "prompt": "a",\n  "completion": "b"\n}\n{\n  "prompt": "c",\n  "completion": "d"\n}\n'),
    ],
    run: (input) => readRows('data.json', input),
  },
  {
    name: 'csv',
    text: true,
    quick: 240,
    dictionary: ['"', '""', ',', ';', '\t', '\r\n', '"a\nb"', 'prompt,completion\n', "'", '5"'],
    seeds: async () => [
      bytesOf('prompt,completion\n"a, b","c ""d"" e"\nf,g\n"h\ni",j\n'),
      bytesOf('instruction;output\r\n"x";y\r\n'),
      bytesOf('text\nThe 5" disk.\n"quoted"\n'),
      bytesOf(
        'messages\tid\n"[{""role"":""user"",""content"":""a""},{""role"":""assistant"",""content"":""b""}]"\t1\n',
      ),
    ],
    run: (input) => readRows('data.csv', input),
  },
  {
    name: 'text',
    text: true,
    quick: 240,
    dictionary: ['\n\n', '# ', '\f', '<html>', 'version https://git-lfs.github.com/spec/v1\noid sha256:'],
    seeds: async () => [
      bytesOf('Once upon a time.\n\nThere was a robot.\n\n\nThe end.\n'),
      new Uint8Array(Buffer.from('\ufeffWide text.\n\nMore.', 'utf16le')),
    ],
    run: (input) => readRows('data.txt', input),
  },
  {
    name: 'parquet',
    text: false,
    quick: 120,
    dictionary: ['PAR1', '\x15\x00', '\x15\x02', '\x19', '\x1c', '\x2c', '\x00'],
    seeds: async () =>
      [
        'alpaca',
        'tokenized',
        'binary',
        'empty',
        'chat-none',
        'chat-snappy',
        'chat-gzip',
        'chat-zstd',
        'odd-columns',
      ].map((name) => fixtureBytes(`${name}.parquet`)),
    run: (input) => readRows('data.parquet', input),
  },
];
