/** One dispatch and the time it took on the GPU. */
export interface TimedDispatch {
  /** Its shader, and what of it. */
  kernel: string;
  /** The parts of the step it is in, the widest first, such as ["backward", "layer 3"]. */
  scope: readonly string[];
  /** Workgroups. */
  groups: number;
  /** Additions and multiplications, where the kernel tells them. */
  flops: number | null;
  /** Bytes read and written; at most, where only the tensors' sizes are known. */
  bytes: number;
  /** Milliseconds from the first dispatch to its beginning, and from that to its end. */
  start: number;
  ms: number;
}

/** The dispatches of a step in order, by the GPU's own clock. */
export interface Profile {
  adapter: string;
  dispatches: TimedDispatch[];
  /** Milliseconds from the beginning of the first to the end of the last. */
  ms: number;
}

/** All dispatches of a shader together. */
export interface KernelTotal {
  kernel: string;
  calls: number;
  ms: number;
  /** Of the time of all kernels, 0 … 1. */
  share: number;
  /** 10⁹ operations a second of the dispatches that tell theirs; null where none does. */
  gflops: number | null;
  /** 10⁹ bytes a second. */
  gigabytes: number | null;
}

/** Milliseconds that all dispatches took together: the rest of the profile's time the GPU spent between them. */
export function kernelTime({ dispatches }: Profile): number {
  return dispatches.reduce((sum, { ms }) => sum + ms, 0);
}

/** The kernels of a profile, those that took longest first. */
export function kernelTotals(profile: Profile): KernelTotal[] {
  const all = kernelTime(profile);
  return [...byKernel(profile.dispatches)]
    .map(([kernel, dispatches]) => {
      const ms = sum(dispatches, (d) => d.ms);
      const telling = dispatches.filter(({ flops }) => flops !== null);
      return {
        kernel,
        calls: dispatches.length,
        ms,
        share: all > 0 ? ms / all : 0,
        gflops: rate(
          sum(telling, (d) => d.flops ?? 0),
          sum(telling, (d) => d.ms),
        ),
        gigabytes: rate(
          sum(dispatches, (d) => d.bytes),
          ms,
        ),
      };
    })
    .sort((a, b) => b.ms - a.ms);
}

function byKernel(dispatches: readonly TimedDispatch[]): Map<string, TimedDispatch[]> {
  const groups = new Map<string, TimedDispatch[]>();
  for (const dispatch of dispatches) {
    const group = groups.get(dispatch.kernel);
    if (group) group.push(dispatch);
    else groups.set(dispatch.kernel, [dispatch]);
  }
  return groups;
}

function sum(dispatches: readonly TimedDispatch[], of: (dispatch: TimedDispatch) => number): number {
  return dispatches.reduce((total, dispatch) => total + of(dispatch), 0);
}

/** 10⁹ a second of `amount` in so many milliseconds. */
function rate(amount: number, ms: number): number | null {
  return amount > 0 && ms > 0 ? amount / ms / 1e6 : null;
}

/** A part of a flame chart: how long it took, and what lies in it. */
export interface Flame {
  name: string;
  /** Milliseconds from the profile's beginning. */
  start: number;
  end: number;
  children: Flame[];
  /** Where it is a dispatch. */
  dispatch: TimedDispatch | null;
}

/** The dispatches under the parts of the step they are in; neighbours in the same part lie in one. */
export function flameOf(profile: Profile, name: string): Flame {
  const root: Flame = { name, start: 0, end: profile.ms, children: [], dispatch: null };
  for (const dispatch of profile.dispatches) {
    const { start, ms } = dispatch;
    const end = start + ms;
    let parent = root;
    for (const part of dispatch.scope) {
      let child = parent.children.at(-1);
      if (child?.name !== part || child.dispatch) {
        child = { name: part, start, end, children: [], dispatch: null };
        parent.children.push(child);
      }
      child.start = Math.min(child.start, start);
      child.end = Math.max(child.end, end);
      parent = child;
    }
    parent.children.push({ name: dispatch.kernel, start, end, children: [], dispatch });
  }
  return root;
}

/** The profile in Chrome's trace format, which chrome://tracing and Perfetto show; times in microseconds. */
export function chromeTrace(profile: Profile): string {
  const events: object[] = [];
  const add = ({ name, start, end, children, dispatch }: Flame) => {
    const args = dispatch && {
      args: { workgroups: dispatch.groups, flops: dispatch.flops, bytes: dispatch.bytes },
    };
    const times = { ts: 1000 * start, dur: 1000 * (end - start) };
    events.push({ name, cat: dispatch ? 'kernel' : 'part', ph: 'X', ...times, pid: 1, tid: 1, ...args });
    children.forEach(add);
  };
  add(flameOf(profile, 'step'));
  return JSON.stringify({ traceEvents: events, otherData: { adapter: profile.adapter } });
}

/**
 * The step of the GPU's clock in milliseconds: browsers round timestamps to 100 µs or so, and what is shorter than a few
 * such steps says little. 0 where nothing was measured.
 */
export function clockStep({ dispatches }: Profile): number {
  const times = dispatches.flatMap(({ start, ms }) => [start, ms]).map((ms) => Math.round(ms * 1e6));
  const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));
  return times.reduce(gcd, 0) / 1e6;
}
