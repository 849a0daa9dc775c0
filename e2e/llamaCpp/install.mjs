// llama.cpp, prebuilt: the npm package node-llama-cpp with the binary for this machine's processor.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../src/launch/project.mjs';

const here = join(root, 'e2e', 'llamaCpp');
const binaries = {
  'linux-x64': 'linux-x64',
  'linux-arm64': 'linux-arm64',
  'darwin-arm64': 'mac-arm64-metal',
  'darwin-x64': 'mac-x64',
  'win32-x64': 'win-x64',
};

/**
 * Installs it where it is missing (85 MB, once). By name and without optional packages, or else npm brings those for CUDA
 * and Vulkan, of half a gigabyte.
 * @returns null, or why it can't be had
 */
export function installLlamaCpp() {
  const platform = `${process.platform}-${process.arch}`;
  const binary = binaries[platform];
  if (!binary) return `there is no prebuilt llama.cpp for ${platform}`;
  if (existsSync(join(here, 'node_modules', '@node-llama-cpp', binary))) return null;
  console.log('Installing llama.cpp (85 MB, once) …');
  const { dependencies } = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'));
  const version = dependencies['node-llama-cpp'];
  const options = ['--no-save', '--no-package-lock', '--omit=optional', '--ignore-scripts'];
  const packages = [`node-llama-cpp@${version}`, `@node-llama-cpp/${binary}@${version}`];
  const { status, stderr } = spawnSync(
    'npm',
    ['install', ...options, '--no-audit', '--no-fund', ...packages],
    { cwd: here, encoding: 'utf8', shell: process.platform === 'win32' },
  );
  return status === 0 ? null : `npm install failed in e2e/llamaCpp: ${stderr.trim().split('\n').at(-1)}`;
}

/** The folder of its shared libraries. */
export function libraries() {
  const binary = binaries[`${process.platform}-${process.arch}`];
  return join(here, 'node_modules', '@node-llama-cpp', binary, 'bins', binary);
}
