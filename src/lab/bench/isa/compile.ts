import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { countLoops, type LoopCounts } from './loops.ts';
import { arraysIndexedAtRunTime, spirvOf } from './spirv.ts';
import { Toolchain, type Family } from './toolchain.ts';

/** What the compiler of a GPU family makes of a kernel. */
export interface Compiled extends LoopCounts {
  /** Vector registers of a thread. */
  registers: number;
  /** Waves that a SIMD holds at a time, at most 16: bounded by registers and workgroup memory. */
  waves: number;
  /** Bytes of workgroup memory. */
  workgroupMemory: number;
  /** Registers moved to memory for want of more. */
  spills: number;
  /** Bytes a thread has in memory for what cannot be in registers. */
  scratch: number;
  instructions: number;
}

/** A kernel to compile. */
export interface Source {
  title: string;
  wgsl: string;
}

/** A compiled kernel: by family, and what holds for all. */
export interface CompiledKernel {
  title: string;
  families: Record<Family, Compiled>;
  /** Arrays in registers that are indexed with a value known only at run time. */
  indexedAtRunTime: string[];
}

/** Compiles kernels for GPUs that need not be there. Throws where Dawn or the driver refuses one. */
export function compileKernels(sources: readonly Source[], families: readonly Family[]): CompiledKernel[] {
  const tools = new Toolchain();
  try {
    const files = sources.map(({ wgsl }, i) => {
      const file = join(tools.folder, `${i}`);
      writeFileSync(`${file}.wgsl`, wgsl);
      return file;
    });
    const spirv = spirvOf(
      files.map((file) => `${file}.wgsl`),
      join(tools.folder, 'spirv.log'),
    );
    files.forEach((file, i) => {
      writeFileSync(`${file}.spvasm`, spirv[i]!);
      tools.assemble(file);
    });
    const compiled = families.map((family) => {
      tools.compile(files, family);
      return files.map((file) => [family, read(`${file}.spv`)] as const);
    });
    return sources.map(({ title }, i) => ({
      title,
      families: Object.fromEntries(compiled.map((all) => all[i]!)) as Record<Family, Compiled>,
      indexedAtRunTime: arraysIndexedAtRunTime(spirv[i]!),
    }));
  } finally {
    tools.dispose();
  }
}

function read(file: string): Compiled {
  const statistics = JSON.parse(readFileSync(`${file}.json`, 'utf8')) as Record<string, number>;
  const value = (name: string): number => {
    const number = statistics[name];
    if (number === undefined) throw new Error(`Mesa’s compiler has no statistic “${name}”`);
    return number;
  };
  return {
    ...countLoops(readFileSync(`${file}.asm`, 'utf8')),
    registers: value('VGPRs'),
    waves: value('Subgroups per SIMD'),
    workgroupMemory: value('LDS size'),
    spills: value('Spilled VGPRs') + value('Spilled SGPRs'),
    scratch: value('Scratch size'),
    instructions: value('Instructions'),
  };
}
