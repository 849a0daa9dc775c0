/** One dispatch and its time on the GPU. */
export interface TimedDispatch {
  /** Its shader and variant. */
  kernel: string;
  /** The parts of the step that contain it, outermost first, such as ["backward", "layer 3"]. */
  scope: readonly string[];
  /** Workgroups per dimension. */
  groups: number;
  /** Floating-point operations, if the kernel reports them. */
  flops: number | null;
  /** Bytes read and written; an upper bound if only the tensors' sizes are known. */
  bytes: number;
  /** Milliseconds from the start of the first dispatch to its start, and its duration. */
  start: number;
  ms: number;
}

/** The dispatches of a step in order, with times of the GPU's clock. */
export interface Profile {
  adapter: string;
  dispatches: TimedDispatch[];
  /** Milliseconds from the start of the first to the end of the last dispatch. */
  ms: number;
}

/** All dispatches of a shader. */
export interface KernelTotal {
  kernel: string;
  calls: number;
  ms: number;
  /** Share of the time of all kernels, 0 … 1. */
  share: number;
  /** 10⁹ operations per second of dispatches that report them; null if none does. */
  gflops: number | null;
  /** 10⁹ bytes per second. */
  gigabytes: number | null;
}

/** Milliseconds of all dispatches together; the rest of the profile's time the GPU spent between them. */
export function kernelTime({ dispatches }: Profile): number {
  return dispatches.reduce((sum, { ms }) => sum + ms, 0);
}

/** The kernels of a profile, by decreasing time. */
export function kernelTotals(profile: Profile): KernelTotal[] {
  const all = kernelTime(profile);
  return [...byKernel(profile.dispatches)]
    .map(([kernel, dispatches]) => {
      const ms = sum(dispatches, (d) => d.ms);
      const counted = dispatches.filter(({ flops }) => flops !== null);
      return {
        kernel,
        calls: dispatches.length,
        ms,
        share: all > 0 ? ms / all : 0,
        gflops: rate(
          sum(counted, (d) => d.flops ?? 0),
          sum(counted, (d) => d.ms),
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

/** `amount` per time, in 10⁹ per second. */
function rate(amount: number, ms: number): number | null {
  return amount > 0 && ms > 0 ? amount / ms / 1e6 : null;
}

/** A node of a flame chart: its duration and children. */
export interface Flame {
  name: string;
  /** Milliseconds from the start of the profile. */
  start: number;
  end: number;
  children: Flame[];
  /** The dispatch, for leaves. */
  dispatch: TimedDispatch | null;
}

/** The dispatches as a tree of the step's parts; adjacent dispatches in the same part share a node. */
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

/** The profile in Chrome's trace format, for chrome://tracing and Perfetto; times in microseconds. */
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
 * The resolution of the GPU's clock in milliseconds: browsers round timestamps to about 100 µs, and durations of only a
 * few such steps are unreliable. 0 if nothing was measured.
 */
export function clockStep({ dispatches }: Profile): number {
  const times = dispatches.flatMap(({ start, ms }) => [start, ms]).map((ms) => Math.round(ms * 1e6));
  const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));
  return times.reduce(gcd, 0) / 1e6;
}
