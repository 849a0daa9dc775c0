/** What a stretch of assembly is made of. */
export interface Instructions {
  /** Instructions that are issued: all but hints to the scheduler. */
  issued: number;
  /** Multiply-adds: an instruction that does several counts as several. */
  multiplyAdds: number;
  /** Bytes that a thread reads from workgroup memory. */
  ldsBytes: number;
  branches: number;
}

/** The loops of a compiled kernel. */
export interface LoopCounts {
  /** One round of the loop with the most multiply-adds, loops inside it counted once; all code where there is no loop. */
  outer: Instructions;
  /** The same loop's innermost one with the most multiply-adds. */
  inner: Instructions;
  /** Branches of all innermost loops, besides those that close them. */
  innermostBranches: number;
}

interface Loop {
  first: number;
  last: number;
}

/** Reads the assembly that Mesa's compiler for AMD GPUs (ACO) writes: blocks “BB3:” of an instruction a line. */
export function countLoops(assembly: string): LoopCounts {
  const blocks = new Map<number, string[]>();
  let current: string[] = [];
  for (const line of assembly.split('\n')) {
    const label = /^BB(\d+):/.exec(line);
    if (label) blocks.set(Number(label[1]), (current = []));
    else if (line.trim()) current.push(line.split(';')[0]!.trim());
  }
  const within = ({ first, last }: Loop) =>
    count([...blocks].flatMap(([block, lines]) => (block >= first && block <= last ? lines : [])));
  const loops = loopsOf(blocks);
  const innermost = loops.filter(
    (loop) => !loops.some((other) => other !== loop && other.first >= loop.first && other.last <= loop.last),
  );
  const whole: Loop = { first: 0, last: Infinity };
  const outer = busiest(loops.length > 0 ? loops : [whole], within);
  const inside = innermost.filter(({ first, last }) => first >= outer.first && last <= outer.last);
  const inner = busiest(inside.length > 0 ? inside : [outer], within);
  const branches = innermost.reduce((sum, loop) => sum + within(loop).branches - 1, 0);
  return { outer: within(outer), inner: within(inner), innermostBranches: branches };
}

/** Loops by their first and last block: a branch back to a block makes one, and the last of several is its end. */
function loopsOf(blocks: ReadonlyMap<number, readonly string[]>): Loop[] {
  const ends = new Map<number, number>();
  for (const [block, lines] of blocks) {
    for (const line of lines) {
      const target = /branch\S* BB(\d+)/.exec(line);
      if (target && Number(target[1]) <= block) ends.set(Number(target[1]), block);
    }
  }
  return [...ends].map(([first, last]) => ({ first, last }));
}

/** The loop with the most multiply-adds, the larger one of equals. */
function busiest(loops: readonly Loop[], within: (loop: Loop) => Instructions): Loop {
  const ranked = loops.map((loop) => ({ loop, ...within(loop) }));
  ranked.sort((a, b) => b.multiplyAdds - a.multiplyAdds || b.issued - a.issued);
  return ranked[0]!.loop;
}

/** Counts the instructions of some lines. */
export function count(lines: readonly string[]): Instructions {
  const sum = { issued: 0, multiplyAdds: 0, ldsBytes: 0, branches: 0 };
  for (const line of lines) {
    const name = /^\S+/.exec(line)?.[0] ?? '';
    if (/^s_(delay|nop|clause)/.test(name)) continue;
    sum.issued += 1;
    sum.multiplyAdds += multiplyAddsOf(name, line);
    sum.ldsBytes += ldsBytesOf(name);
    if (/^s_c?branch/.test(name)) sum.branches += 1;
  }
  return sum;
}

function multiplyAddsOf(name: string, line: string): number {
  if (name.startsWith('v_wmma')) return 128;
  if (/^v_(pk_fma|dot2)/.test(name)) return 2;
  if (name.startsWith('v_dual_')) return line.match(/v_dual_fma(c|ak|mk)/g)?.length ?? 0;
  return /^v_(fma|mad|mac)/.test(name) ? 1 : 0;
}

function ldsBytesOf(name: string): number {
  if (!/^ds_(read|load)/.test(name)) return 0;
  const bits = Number(/_[bui](\d+)/.exec(name)?.[1] ?? 0);
  return ((/read2|2addr/.test(name) ? 2 : 1) * bits) / 8;
}
