import type { Job } from './jobFile.ts';

/** The README of a job: how to run it, what is in it, and what cannot be the same. @param ahead steps whose losses were computed ahead */
export function jobReadme(job: Job, ahead: number): string {
  const { name, base, recipe, step, totalSteps, batch, bounds, differences } = job;
  const onHub = base.repo !== null && recipe.method !== 'full';
  const model = onHub || recipe.method === 'full' ? '' : ' --model PATH/TO/MODEL';
  const where = onHub
    ? `\`${base.repo}\`${base.commit === null ? '' : ` at commit \`${base.commit}\``}, downloaded by train.py`
    : recipe.method === 'full'
      ? 'in `model/`, as trained so far'
      : `“${base.name}”, a local model: give its folder with \`--model\``;
  const expected = ahead > 0 ? `the next ${ahead}, computed here` : 'none ahead';
  return `# ${name}: continued on a cluster

A training run of Graft after step ${step} of ${totalSteps}, to be continued with the same rows in the same order, the same
learning rates, weights and optimizer states.

\`\`\`sh
uv run train.py${model}      # one process; several GPUs: launch/torchrun.sh${model}
uv run check.py              # compares what it did with what Graft expects
\`\`\`

\`launch/\` starts the same on eight GPUs (\`torchrun.sh\`), under Slurm, SkyPilot, HF Jobs and Ray; \`fsdp.yaml\` and
\`zero3.json\` are for Accelerate. Any number of ranks works: each step is the same ${batch.rows} rows, in micro-batches of at
most ${batch.micro} a rank, and its loss is the sum over all of its targets divided by their number. \`--steps N\` ends after N steps,
and the same command continues from its last checkpoint.

The base is ${where}.

To take the result back into Graft, drop this folder into the page, or run
\`graft job --import THIS_FOLDER --model MODEL --checkpoints NEW_FOLDER\`.

## What cannot be the same

${differences.map((line) => `- ${line}`).join('\n')}

\`check.py\` fails where a loss is off by more than ${Object.entries(bounds)
    .map(([dtype, bound]) => `${bound} (${dtype})`)
    .join(' or ')}, relative, and where a row, a label, their order or a rate is another one.

## Files

| file | what it is |
| --- | --- |
| \`job.json\` | the recipe, the base, the step, and the hash of every file |
| \`${recipe.method === 'full' ? 'model/' : 'adapter/'}\` | the weights after step ${step}${recipe.method === 'full' ? '' : ', as PEFT reads them'} |
${step > 0 ? '| `optimizer.safetensors` | AdamW: `m.NAME`, `v.NAME` and `step` |\n' : ''}| \`rows/\` | what is left, in order: input_ids, labels, step and micro-batch |
| \`done.parquet\`, \`eval.parquet\` | rows no later step takes, and evaluation rows, where there are any |
| \`schedule.json\` | rate, clip, decay and the rows' hash of each step |
| \`losses_expected.jsonl\` | losses of the last steps done here, and ${expected} |
| \`curves.jsonl\` | the curves so far |
`;
}
