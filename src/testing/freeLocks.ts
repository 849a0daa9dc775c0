import type { Locks, Owner } from '../base/storage/types.ts';

/** An owner who loses nothing. */
export const alone: Owner = { token: 'alone', check: async () => undefined };

/** Locks of someone who is alone: each is free. */
export const freeLocks: Locks = {
  hold: (_name, work) => work(alone),
  holder: async () => null,
};
