import type { ErrorText } from './types.ts';

export const formatsErrors = {} satisfies Record<string, ErrorText>;
