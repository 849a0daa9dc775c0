// Python with the packages of requirements.txt, in .venv/ at the top of the project.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, run } from '../../src/launch/project.mjs';
import { installRequirements, pythonCommand } from '../../src/launch/system.mjs';

/** Installs in 20 seconds, where pip takes two minutes, and can exclude packages. */
const UV = 'uv==0.13.9';

const requirements = join(root, 'e2e', 'interop', 'requirements.txt');
const excluded = join(root, 'e2e', 'interop', 'excluded.txt');
const environment = join(root, '.venv');
const python =
  process.platform === 'win32'
    ? join(environment, 'Scripts', 'python.exe')
    : join(environment, 'bin', 'python');
const stampFile = join(environment, 'requirements.sha256');

/**
 * Creates the environment if necessary. Returns `{ python }`, the path of its interpreter, or `{ missing }`, the reason
 * why this machine can't have one. Throws if the package index was reachable but packages did not install.
 */
export async function preparePython() {
  const stamp = createHash('sha256')
    .update(UV + readFileSync(requirements) + readFileSync(excluded))
    .digest('hex');
  if (isReady(stamp)) return { python };
  const { python: missing } = await installRequirements(['python']);
  if (missing) return { missing };

  console.log('Installing transformers and peft in .venv …');
  const started = Date.now();
  rmSync(environment, { recursive: true, force: true });
  if ((await run(pythonCommand(), ['-m', 'venv', environment])) !== 0) {
    return { missing: 'python3 -m venv failed; its message is above.' };
  }
  const refusal = installUv();
  if (refusal) return { missing: `pip could not install uv from the Python package index: ${refusal}` };
  if (!(await installRequired())) throw new Error('uv could not install e2e/interop/requirements.txt.');
  writeFileSync(stampFile, stamp);
  console.log(`Installed in ${((Date.now() - started) / 1000).toFixed(0)} s.`);
  return { python };
}

/** Whether the environment matches the stamp and its interpreter exists. */
function isReady(stamp) {
  return (
    existsSync(stampFile) &&
    readFileSync(stampFile, 'utf8') === stamp &&
    spawnSync(python, ['--version']).status === 0
  );
}

/** Installs uv; returns pip's last words on failure. */
function installUv() {
  const options = ['--quiet', '--disable-pip-version-check', '--retries', '1', '--timeout', '30'];
  const { status, stderr } = spawnSync(python, ['-m', 'pip', 'install', ...options, UV], {
    encoding: 'utf8',
  });
  return status === 0 ? undefined : (stderr.trim().split('\n').at(-1) ?? 'nothing');
}

/** On Linux, torch's own index has a build without CUDA (1 GB in all); the fallback is PyPI's (4 GB). */
async function installRequired() {
  const install = (options, env, stdio) =>
    run(
      python,
      [
        '-m',
        'uv',
        'pip',
        'install',
        '--quiet',
        '--no-cache',
        '--python',
        python,
        '--excludes',
        excluded,
        '-r',
        requirements,
        ...options,
      ],
      { env: { ...process.env, ...pipIndex(), ...env }, stdio },
    );
  if (process.platform === 'linux') {
    const cpu = await install(['--torch-backend', 'cpu'], { UV_HTTP_RETRIES: '0' }, 'ignore');
    if (cpu === 0) return true;
  }
  return (await install([], {}, 'inherit')) === 0;
}

/** The mirror configured for pip, which uv doesn't read. */
function pipIndex() {
  const { stdout } = spawnSync(python, ['-m', 'pip', 'config', 'list'], { encoding: 'utf8' });
  const [, url] = /^(?:global|user|site|:env:)\.index-url='(.*)'$/m.exec(stdout) ?? [];
  return url ? { UV_DEFAULT_INDEX: url } : {};
}
