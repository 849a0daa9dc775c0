import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** GPUs whose compiler is asked, by Mesa's name for their chip. */
export const families = { 'RDNA 3': 'navi31', 'RDNA 2': 'navi21' } as const;

export type Family = keyof typeof families;

/** Where Mesa puts the manifest of RADV, its Vulkan driver for AMD's GPUs. */
const manifest = ['radeon_icd.json', 'radeon_icd.x86_64.json', 'radeon_icd.aarch64.json']
  .map((name) => `/usr/share/vulkan/icd.d/${name}`)
  .find((path) => existsSync(path));

/** How to get what is missing of the compiler; null if all is there. */
export function missingCompiler(): string | null {
  const missing = [
    ...(spawnSync('gcc', ['--version']).status === 0 ? [] : ['gcc']),
    ...(existsSync('/usr/include/stdio.h') ? [] : ['libc6-dev']),
    ...(existsSync('/usr/include/vulkan/vulkan.h') ? [] : ['libvulkan-dev']),
    ...(spawnSync('spirv-as', ['--version']).status === 0 ? [] : ['spirv-tools']),
    ...(manifest ? [] : ['mesa-vulkan-drivers']),
  ];
  if (missing.length === 0) return null;
  return (
    `Kernels are compiled for AMD GPUs with Mesa's compiler, which needs no GPU. Missing: ${missing.join(', ')}. ` +
    `On Debian and Ubuntu, as root: apt-get install ${missing.join(' ')}`
  );
}

/** A folder of its own for the files of the compiler, with the program that calls the driver. */
export class Toolchain {
  readonly folder = mkdtempSync(join(tmpdir(), 'graft-isa-'));
  readonly #program = join(this.folder, 'compilePipeline');

  constructor() {
    const source = fileURLToPath(new URL('compilePipeline.c', import.meta.url));
    execFileSync('gcc', ['-O1', '-o', this.#program, source, '-lvulkan']);
  }

  /** Makes FILE.spv of FILE.spvasm. */
  assemble(file: string): void {
    execFileSync('spirv-as', [
      '--target-env',
      'spv1.4',
      '--preserve-numeric-ids',
      `${file}.spvasm`,
      '-o',
      `${file}.spv`,
    ]);
  }

  /** Makes FILE.spv.json and FILE.spv.asm of each FILE.spv. Throws what the driver says. */
  compile(files: readonly string[], family: Family): void {
    execFileSync(this.#program, ['dawn_entry_point', ...files.map((file) => `${file}.spv`)], {
      env: { ...process.env, VK_ICD_FILENAMES: manifest, RADV_FORCE_FAMILY: families[family] },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  }

  dispose(): void {
    rmSync(this.folder, { recursive: true });
  }
}
