import type { ErrorText } from './types.ts';

export const trainErrors = {} satisfies Record<string, ErrorText>;
