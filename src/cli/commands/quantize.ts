import { parseShardSize } from '../../formats/sharding.ts';
import { checkMergeJob, mergeJob } from '../../merge/mergeJob.ts';
import { modelChoice, modelFlags, modelOptions } from '../hubModel.ts';
import { Options } from '../options.ts';
import { mergeOutput } from '../mergeOutput.ts';
import { openModelAt, withGpu } from '../session.ts';
import { writeProved } from '../writeProved.ts';

export const usage = 'quantize --model DIR --out DIR --format nf4 [--double-quant] [--max-shard-size 4096MB]';

/**
 * Writes the model with the linear layers of its blocks in NF4, as bitsandbytes stores them, reads it back, and
 * prints the proof as JSON. What cannot be proved is removed again.
 */
export async function run(args: string[]): Promise<void> {
  const options = new Options(
    args,
    usage,
    [...modelOptions, 'out', 'format', 'max-shard-size'],
    ['double-quant', ...modelFlags],
  );
  const model = modelChoice(options, usage);
  const outPath = options.required('out');
  options.required('format');
  options.choice('format', ['nf4']);
  const maxShardBytes = parseShardSize(options.optional('max-shard-size') ?? '4096MB');
  const out = await mergeOutput(outPath);
  const base = await openModelAt(model);
  const job = mergeJob(base, null, { quantize: { doubleQuant: options.flag('double-quant') } });
  // Everything that can be wrong with the input is told before the GPU is opened.
  checkMergeJob(job);
  await withGpu(async (gpu) => {
    console.log(JSON.stringify(await writeProved(gpu, job, out, maxShardBytes), null, 2));
  });
}
