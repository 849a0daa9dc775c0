import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The entry point of a kernel's WGSL. */
export function entryPointOf(wgsl: string): string {
  return /@compute[^]*?\bfn\s+(\w+)/.exec(wgsl)?.[1] ?? 'main';
}

/**
 * The SPIR-V that Dawn makes of WGSL files for a Vulkan driver, as assembly text. In a process of its own, which writes it
 * to its output. Throws if a kernel doesn't compile.
 * @param log a file for that output: what Dawn writes to a full pipe is lost
 */
export function spirvOf(files: readonly string[], log: string): string[] {
  const program = fileURLToPath(new URL('dumpSpirv.ts', import.meta.url));
  const output = openSync(log, 'w');
  const { stderr, status } = spawnSync(process.execPath, ['--import', 'tsx', program, ...files], {
    encoding: 'utf8',
    stdio: ['ignore', output, 'pipe'],
  });
  closeSync(output);
  if (status !== 0) throw new Error(`Dawn does not compile a kernel: ${stderr.slice(-2000)}`);
  const dumped = readFileSync(log, 'utf8')
    .split(/^info:$/m)
    .flatMap((part) => /^; SPIR-V$[^]*/m.exec(part)?.[0] ?? []);
  if (dumped.length !== files.length) {
    throw new Error(`Dawn has written the SPIR-V of ${dumped.length} kernels of ${files.length}`);
  }
  return dumped.map(withoutReconvergence);
}

/** Mesa's null device does not offer what lavapipe does; it changes no instruction of these kernels. */
function withoutReconvergence(assembly: string): string {
  return assembly
    .split('\n')
    .filter((line) => !/MaximallyReconvergesKHR|SPV_KHR_maximal_reconvergence/.test(line))
    .join('\n');
}

interface Instruction {
  id: string;
  op: string;
  operands: string[];
}

/**
 * The arrays in registers that a kernel indexes with a value known only at run time, by their names in the assembly. No
 * GPU has such registers: a compiler unrolls the loop around, if it can, or chooses by branches, or moves the array to
 * memory. Tables of constants are none: they are data wherever they are.
 */
export function arraysIndexedAtRunTime(assembly: string): string[] {
  const instructions = [...assembly.matchAll(/^ *(?:(%\S+) = )?(Op\w+)(.*)$/gm)].map(
    ([, id = '', op = '', rest = '']): Instruction => ({ id, op, operands: rest.trim().split(/\s+/) }),
  );
  const byId = new Map(instructions.map((one) => [one.id, one]));
  const isConstant = (id: string): boolean => byId.get(id)!.op.startsWith('OpConstant');
  /** Whether a pointer of this type is to an array in registers. */
  const isArray = (type: string): boolean => {
    const [space, target] = byId.get(type)!.operands;
    return /^(Function|Private)$/.test(space!) && byId.get(target!)!.op === 'OpTypeArray';
  };
  const written = new Set<string>();
  for (const { op, operands } of instructions) {
    if (op !== 'OpStore') continue;
    const [pointer, value] = operands;
    const chain = byId.get(pointer!)!;
    if (chain.op.endsWith('AccessChain')) written.add(chain.operands[1]!);
    else if (!isConstant(value!)) written.add(pointer!);
  }
  const found = instructions.flatMap(({ op, operands: [, base, ...indices] }) => {
    if (!op.endsWith('AccessChain')) return [];
    const { op: of, operands } = byId.get(base!)!;
    const given = of === 'OpFunctionParameter';
    if ((of !== 'OpVariable' && !given) || !isArray(operands[0]!)) return [];
    return (given || written.has(base!)) && indices.some((index) => !isConstant(index)) ? [base!] : [];
  });
  return [...new Set(found)];
}
