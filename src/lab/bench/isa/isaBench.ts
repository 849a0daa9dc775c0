import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeText } from '../../../content/formats/text.ts';
import { outputFile } from '../../../hosts/node/cli/outputFile.ts';
import { peersInstalled } from '../peers/install.ts';
import { table } from '../../../testing/markdownTable.ts';
import { compileKernels, type Compiled, type CompiledKernel, type Source } from './compile.ts';
import { gpuKernels } from './gpuKernels.ts';
import { peerKernels } from './peerKernels.ts';
import { families, missingCompiler, type Family } from './toolchain.ts';

/**
 * What the compiler of AMD's GPUs makes of the kernels that a GPU would take. Nothing runs, so the figures are the same on
 * every machine with the same Dawn and Mesa.
 * @param options wgsl: a folder for the sources, one file a kernel, with an index.json; json: a new file for all figures;
 *   force: replaces that file
 */
export async function isaBench({ wgsl, json, force }: Readonly<Record<string, string>>): Promise<string> {
  const missing = missingCompiler();
  if (missing) throw new Error(missing);
  const out = json ? outputFile(json, { force: force !== undefined, inputs: {} }) : null;
  const ours = await gpuKernels();
  const peers = peersInstalled() ? await peerKernels() : [];
  if (wgsl) writeSources(wgsl, [...ours, ...peers]);
  const names = Object.keys(families) as Family[];
  const compiled = compileKernels([...ours, ...peers], names);
  if (out) await writeText(out.folder, out.file, `${JSON.stringify(compiled, null, 2)}\n`);
  const [ofGraft, ofPeers] = [compiled.slice(0, ours.length), compiled.slice(ours.length)];
  const computing = ofGraft.filter(({ title }) =>
    /product|attention|matmul|delta_rule(?!_gates)/.test(title),
  );
  const others = ofGraft.filter((kernel) => !computing.includes(kernel));
  return [
    '## Kernels by a GPU’s compiler',
    '',
    'No GPU ran these: Dawn made the SPIR-V that Chrome hands to a Vulkan driver, and Mesa’s compiler for AMD’s GPUs made machine code',
    'of it, for RDNA 3 (navi31) and RDNA 2 (navi21). The kernels are those that a step takes where subgroups have several sizes,',
    'found by dry runs. **This bounds computing, not memory**: it says how many instructions a multiply-add costs, and nothing of',
    'bandwidth, latency or caches, and it says little of kernels that only move data.',
    '',
    'Share: multiply-adds among the instructions of one round of the loop that has most of them, staging included; loops within it',
    'count once, so where they run several rounds the kernel does better than that: nearer to the share of its innermost loop.',
    'Registers are a thread’s; waves are what registers and workgroup memory leave room for on a SIMD, in waves of 32 threads, 32 at most; LDS',
    'is bytes read from workgroup memory for a multiply-add; branches are those within innermost loops. A second figure after a slash',
    'is RDNA 2’s.',
    '',
    rowsOf(computing),
    '',
    'The other kernels of a step move data:',
    '',
    rowsOf(others),
    '',
    ...(ofPeers.length > 0
      ? ['The dense products of other libraries, by the same count:', '', rowsOf(ofPeers)]
      : ['Other libraries’ kernels are compiled too once `npm run bench -- peers` has installed them.']),
  ].join('\n');
}

const columns = [
  'kernel',
  'share',
  'innermost',
  'registers',
  'waves',
  'LDS',
  'spills',
  'scratch',
  'branches',
];

function rowsOf(kernels: readonly CompiledKernel[]): string {
  return table(
    columns,
    kernels.map(({ title, families: of }) => {
      const both = (figure: (compiled: Compiled) => string): string => {
        const [first, second] = [figure(of['RDNA 3']), figure(of['RDNA 2'])];
        return first === second ? first : `${first} / ${second}`;
      };
      return [
        title.replaceAll('_', '\\_'),
        both(({ outer }) => (outer.multiplyAdds / outer.issued).toFixed(2)),
        both(({ inner }) => (inner.multiplyAdds / inner.issued).toFixed(2)),
        both(({ registers }) => `${registers}`),
        both(({ waves }) => `${waves}`),
        both(({ outer }) => (outer.multiplyAdds ? (outer.ldsBytes / outer.multiplyAdds).toFixed(1) : '')),
        both(({ spills }) => `${spills}`),
        both(({ scratch }) => `${scratch}`),
        both(({ innermostBranches }) => `${innermostBranches}`),
      ];
    }),
  );
}

/** Writes a file a kernel, named after it, and which file is which. */
function writeSources(folder: string, sources: readonly Source[]): void {
  mkdirSync(folder, { recursive: true });
  const index = sources.map(({ title }, i) => {
    const name = title.replace(/[^A-Za-z0-9]+/g, '-').slice(0, 80);
    return { title, file: `${String(i).padStart(3, '0')}-${name}.wgsl` };
  });
  index.forEach(({ file }, i) => writeFileSync(join(folder, file), sources[i]!.wgsl));
  writeFileSync(join(folder, 'index.json'), `${JSON.stringify(index, null, 2)}\n`);
}
