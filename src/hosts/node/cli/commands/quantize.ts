import { checkMergeJob, mergeJob } from '../../../../engine/merge/mergeJob.ts';
import { command } from '../command.ts';
import { checkHubAccess } from '../hubAccess.ts';
import { choice, flag, required } from '../options.ts';
import { withMergeOutput } from '../output.ts';
import { modelOptions, shardOption } from '../commonOptions.ts';
import { openModelOf, withSession } from '../withSession.ts';
import { printText } from '../terminal.ts';
import { writeProved } from '../writeProved.ts';

export const quantize = command(
  'quantize',
  'Writes the model with the linear layers of its blocks in NF4, as bitsandbytes stores them, reads it back, and prints the proof as JSON. What cannot be proved is removed; what was cut off continues.',
  {
    ...modelOptions,
    out: required('Output', 'DIR', 'A new or empty folder, or one with this model in it.'),
    format: { ...choice('Output', ['nf4'], 'How weights are stored.'), required: true, defaultText: null },
    doubleQuant: flag('Output', 'Quantizes the absmax too.'),
    maxShardSize: shardOption,
  },
  async (options, usage) => {
    checkHubAccess(options, usage, [options.model]);
    await withMergeOutput(options.out, [options.model], (out) =>
      withSession(async (session) => {
        const { files } = await openModelOf(session, options);
        const job = mergeJob(files, null, { quantize: { doubleQuant: options.doubleQuant } });
        // What is wrong with the input shows before the GPU is opened.
        checkMergeJob(job);
        const result = await writeProved(await session.gpu(), job, out, options.maxShardSize);
        printText(JSON.stringify(result, null, 2));
      }),
    );
  },
);
