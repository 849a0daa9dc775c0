import type { ErrorText } from './types.ts';

export const speedErrors = {
  'speed.stopped': {
    what: 'The benchmark was stopped before it finished.',
    next: 'Start it again at any time; it starts over.',
  },
  'speed.device_failed': {
    what: 'The benchmark ended early: {reason}',
    next: 'Close other programs that use the GPU and try again, or choose the quick benchmark.',
  },
} satisfies Record<string, ErrorText>;
