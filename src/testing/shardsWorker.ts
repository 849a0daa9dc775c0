import { defaultReading } from '../base/config/reading.ts';
import { opfsDirectory } from '../base/storage/opfsDirectory.ts';
import { removeOpfsFolder } from '../base/storage/opfsRoot.ts';
import { localTokenizer } from '../content/data/dataset/rowTokenizer.ts';
import { parseDataset } from '../content/data/files/parse.ts';
import { openShards } from '../content/data/streamed/openShards.ts';
import { tokenizeLarge, type TokenizeOptions } from '../content/data/streamed/streamedFile.ts';
import { tokenizeDataset } from '../content/data/tokens/tokenize.ts';
import { selectRows } from '../content/data/tokens/tokenRows.ts';
import { blobSource } from '../base/storage/byteSource.ts';

const FOLDER = 'shards-test';

/** Results of a test of shards in OPFS, in a worker. */
export interface ShardsReport {
  /** Why the first call ended, and the shards that it left. */
  ended: string;
  left: number;
  /** Rows that had tokens when the second call had made its first ones. */
  goneOnWith: number;
  /** Whether some rows, in any order, are those of the file in memory, also after the store was opened anew. */
  same: boolean[];
}

const request = {
  ...defaultReading,
  format: 'tokenized' as const,
  maxLength: 16,
  vocabSize: 100,
  name: 'rows.jsonl',
};

async function run(): Promise<ShardsReport> {
  const lines = Array.from({ length: 600 }, (_, row) =>
    JSON.stringify({ input_ids: Array.from({ length: 2 + (row % 20) }, (_, i) => (row + i) % 100) }),
  );
  const source = blobSource('rows.jsonl', new Blob([lines.join('\n')]));
  const root = await opfsDirectory(FOLDER);
  const tokenize = (options: TokenizeOptions) =>
    tokenizeLarge(source, root, { tokenizer: localTokenizer(null), tokenizerId: '' }, request, {
      shardRows: 256,
      ...options,
    });
  const ending = new AbortController();
  const ended = await tokenize({
    signal: ending.signal,
    onProgress: (_done, _total, rows) => void (rows === 512 && ending.abort(new Error('stopped'))),
  }).then(
    () => 'whole',
    (error: Error) => error.message,
  );
  const [key] = await root.directories();
  const left = (await (await root.directory(key!)).list()).filter((file) => file.endsWith('.rows')).length;
  let goneOnWith = 0;
  const { rows } = await tokenize({
    onProgress: (_done, _total, count) => void (goneOnWith ||= count),
  });
  const all = tokenizeDataset(await parseDataset(source), { ...request, tokenizer: null });
  const some = [599, 0, 255, 256, 300];
  const expected = JSON.stringify([...selectRows(all, some).ids]);
  const idsOf = async (of: { read: typeof rows.read }) => JSON.stringify([...(await of.read(some)).ids]);
  const again = await openShards(root, rows.place);
  const same = [(await idsOf(rows)) === expected, (await idsOf(again.train)) === expected];
  return { ended, left, goneOnWith, same };
}

addEventListener('message', () => {
  void run()
    .finally(() => removeOpfsFolder(FOLDER))
    .then(postMessage, (error: unknown) => postMessage(String(error)));
});
