/** For `vi.waitFor`, whose own limit is a second: a bound against hanging alone. */
export const patience = { timeout: 60_000 };
