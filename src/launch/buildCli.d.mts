export function buildCli(entries?: Record<string, string>): Promise<string>;
