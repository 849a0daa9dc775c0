import type { ErrorText } from './types.ts';

export const modelErrors = {} satisfies Record<string, ErrorText>;
