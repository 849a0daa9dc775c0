import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { pinnedVersions } from '../../content/job/pinnedVersions.ts';
import { readJobFiles } from './jobFiles.ts';

const files = readJobFiles();

it('a job has what every engine needs', () => {
  const launch = ['hf-jobs.sh', 'ray_train.py', 'sky.yaml', 'slurm.sbatch', 'torchrun.sh'];
  const expected = ['check.py', 'fsdp.yaml', ...launch.map((file) => `launch/${file}`)];
  expect(Object.keys(files)).toEqual([...expected, 'states.py', 'train.py', 'zero3.json']);
});

it('what scripts pin is what they are tested with', () => {
  const requirements = readFileSync(
    join(import.meta.dirname, '../../../e2e/interop/requirements.txt'),
    'utf8',
  );
  for (const script of ['train.py', 'check.py'])
    for (const [name, version] of Object.entries(pinnedVersions(files[script]!)))
      expect(requirements).toContain(`\n${name}==${version}\n`);
  expect(Object.keys(pinnedVersions(files['train.py']!))).toContain('accelerate');
});

it('train.py stays short', () => {
  expect(files['train.py']!.trimEnd().split('\n').length).toBeLessThan(200);
});
