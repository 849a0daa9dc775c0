import type { ErrorText } from './types.ts';

export const cliErrors = {} satisfies Record<string, ErrorText>;
