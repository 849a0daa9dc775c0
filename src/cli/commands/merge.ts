import { parseShardSize } from '../../formats/sharding.ts';
import { mergeModel } from '../../merge/mergeModel.ts';
import { verifyMerge } from '../../merge/verifyMerge.ts';
import { Options } from '../options.ts';
import { openAdapterAt, openModelAt, outputFolder, withGpu } from '../session.ts';

export const usage = 'merge --model DIR --adapter DIR --out DIR [--max-shard-size 4096MB]';

/** Writes the merged model, reads it back, and prints the proof as JSON. */
export async function run(args: string[]): Promise<void> {
  const options = new Options(args, usage, ['model', 'adapter', 'out', 'max-shard-size']);
  const modelPath = options.required('model');
  const adapterPath = options.required('adapter');
  const outPath = options.required('out');
  const maxShardBytes = parseShardSize(options.optional('max-shard-size') ?? '4096MB');
  const base = await openModelAt(modelPath);
  const adapter = await openAdapterAt(adapterPath);
  if (!adapter) return;
  const out = await outputFolder(outPath);
  await withGpu(async (gpu) => {
    const files = await mergeModel(gpu, base, adapter, out, { maxShardBytes });
    const proof = await verifyMerge(gpu, base, adapter, out);
    console.log(JSON.stringify({ files, proof }, null, 2));
  });
}
