import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadTokenizer, type Tokenizer } from '../../content/data/tokenizer/tokenizer.ts';
import { closeDecoder, openDecoder } from '../../engine/model/weights/openDecoder.ts';
import { withoutAdapter } from '../../engine/model/decoder/decoder.ts';
import { openModelFiles, type ModelFiles } from '../../engine/model/spec/openModel.ts';
import { nodeFolder } from '../../base/storage/nodeFolder.ts';
import { testGpu } from '../../testing/gpu.ts';
import { reply } from './examine.ts';
import { sampleFiles } from './samples.ts';
import { isHeldOut } from './world/corpus.ts';

const root = fileURLToPath(new URL('../../../public/', import.meta.url));
let files: ModelFiles;
let tokenizer: Tokenizer;

beforeAll(async () => {
  files = await openModelFiles(nodeFolder(join(root, 'starter')));
  tokenizer = (await loadTokenizer(files.folder))!;
});

describe('the starter model', () => {
  it('is small: everything that ships with the page takes less than 6 MB', () => {
    const sizes = readdirSync(root, { recursive: true, encoding: 'utf8' }).map((file) => {
      const info = statSync(join(root, file));
      return info.isFile() ? info.size : 0;
    });
    expect(sizes.reduce((a, b) => a + b)).toBeLessThan(6e6);
  });

  it.each(['Bolt bakes bread.', '你好，世界！', '3 + 4 = 7 🦊\n\té\u0000'])(
    'encodes %j without loss',
    (text) => {
      expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
    },
  );

  it('answers questions that it was never asked, and ends by itself', async () => {
    const decoder = await openDecoder(await testGpu(), files, 'f32');
    const heldOut: Record<string, string> = {
      'Who is Gus?':
        'Gus is a black goat. He is the farmer and lives at the farm. He likes apples and loves to climb rocks.',
      'What does Rusty do?': 'Rusty is the driver. He drives the bus.',
      'Where can I find Bruno?': 'Bruno lives near the station.',
      'Who is the best friend of Mei?': "Mei's best friend is Tom.",
      'Which colour does snow have?': 'Snow is white.',
      'Tell me the opposite of happy.': 'The opposite of happy is sad.',
      'What is five and four together?': 'Five plus four is nine.',
      'What season is before winter?': 'Autumn comes before winter.',
    };
    try {
      for (const [prompt, answer] of Object.entries(heldOut)) {
        expect(isHeldOut(prompt)).toBe(true);
        expect(await reply(decoder, withoutAdapter, tokenizer, prompt)).toBe(answer);
      }
      expect(await reply(decoder, withoutAdapter, tokenizer, 'who are you')).toContain('starter model');
    } finally {
      closeDecoder(decoder);
    }
  });
});

it('sample data sets match the generator', () => {
  for (const [name, text] of Object.entries(sampleFiles())) {
    expect(readFileSync(join(root, 'samples', name), 'utf8')).toBe(text);
  }
});
