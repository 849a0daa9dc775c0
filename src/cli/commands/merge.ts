import { readAdapter } from '../../formats/peft.ts';
import { parseShardSize } from '../../formats/sharding.ts';
import { mergeModel } from '../../merge/mergeModel.ts';
import { verifyMerge } from '../../merge/verifyMerge.ts';
import { matchModules } from '../../model/adapterFiles.ts';
import { nodeFolder } from '../../storage/nodeFolder.ts';
import { Options } from '../options.ts';
import { outputFolder } from '../output.ts';
import { openModelAt, withGpu } from '../session.ts';

export const usage = 'merge --model DIR --adapter DIR --out DIR [--max-shard-size 4096MB]';

/**
 * Writes the merged model, reads it back, and prints the proof as JSON. What cannot be proved is removed again.
 */
export async function run(args: string[]): Promise<void> {
  const options = new Options(args, usage, ['model', 'adapter', 'out', 'max-shard-size']);
  const modelPath = options.required('model');
  const adapterPath = options.required('adapter');
  const outPath = options.required('out');
  const maxShardBytes = parseShardSize(options.optional('max-shard-size') ?? '4096MB');
  const out = await outputFolder(outPath);
  const base = await openModelAt(modelPath);
  const adapter = await readAdapter(nodeFolder(adapterPath));
  // Everything that can be wrong with the input is told before the GPU is opened.
  matchModules(base.spec, adapter);
  await withGpu(async (gpu) => {
    const files = await mergeModel(gpu, base, adapter, out, { maxShardBytes });
    const proof = await verifyMerge(gpu, base, adapter, out).catch(async (error: unknown) => {
      for (const { name } of files) await out.remove(name);
      throw error;
    });
    console.log(JSON.stringify({ files, proof }, null, 2));
  });
}
