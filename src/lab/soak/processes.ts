import { readdirSync, readFileSync } from 'node:fs';

/** What a browser's processes of one kind hold and have used. */
export interface ProcessUse {
  /**
   * Memory in bytes that is of no file, its own and shared. Pages of files, such as the program, are left out: a share of them
   * (PSS) would depend on how many other browsers run.
   */
  bytes: number;
  /** Processor time since they began, in seconds. */
  seconds: number;
}

/** Linux counts processor time in hundredths of a second. */
const TICKS = 100;

type Kind = 'renderer' | 'gpu-process';

/**
 * Measures what the processes of a browser hold and have used, by Chromium's `--type`: `renderer` is a page with its workers,
 * `gpu-process` all devices. Linux only: it reads /proc.
 */
export class ProcessMeter {
  /** Of each process that was ever seen: what one that ended has used still counts. */
  readonly #seconds = new Map<string, { kind: Kind; seconds: number }>();

  /** @param parent the process that started the browser */
  constructor(private readonly parent = process.pid) {}

  measure(): Record<Kind, ProcessUse> {
    const use = { renderer: { bytes: 0, seconds: 0 }, 'gpu-process': { bytes: 0, seconds: 0 } };
    const parents = parentsOfAll();
    const isBelow = (pid: number): boolean =>
      pid === this.parent || (pid > 1 && isBelow(parents.get(pid) ?? 0));
    for (const pid of parents.keys()) {
      if (!isBelow(pid)) continue;
      const kind = /--type=(renderer|gpu-process)\b/.exec(read(pid, 'cmdline'))?.[1] as Kind | undefined;
      if (!kind) continue;
      for (const [, kilobytes] of read(pid, 'status').matchAll(/^Rss(?:Anon|Shmem):\s+(\d+) kB/gm))
        use[kind].bytes += Number(kilobytes) * 1024;
      const fields = fieldsOf(read(pid, 'stat'));
      const [user = 0, system = 0] = fields.slice(11, 13).map(Number);
      // Numbers of processes are used again: the time of its start tells two apart.
      this.#seconds.set(`${pid} ${fields[19]}`, { kind, seconds: (user + system) / TICKS });
    }
    for (const { kind, seconds } of this.#seconds.values()) use[kind].seconds += seconds;
    return use;
  }
}

function parentsOfAll(): Map<number, number> {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return new Map(pids.map((pid) => [Number(pid), Number(fieldsOf(read(Number(pid), 'stat'))[1] ?? 0)]));
}

/** The fields of /proc/PID/stat after the program's name, which may hold spaces: state, parent, … */
function fieldsOf(stat: string): string[] {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/** A file of /proc; empty where the process has ended. */
function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}
