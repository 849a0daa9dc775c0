import { log } from './terminal.ts';

/**
 * Aborts at Ctrl-C, which is told; pressed again it ends the process.
 * @param reason of the abort
 */
export function onInterrupt(reason: 'stop' | 'pause', message: string): AbortSignal {
  const stopping = new AbortController();
  process.once('SIGINT', () => {
    stopping.abort(reason);
    log(message);
  });
  return stopping.signal;
}
