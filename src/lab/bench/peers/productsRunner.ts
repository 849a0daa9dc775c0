import type { PeersPage } from './page.ts';

/** Where products are measured. */
export type ProductsRunner = Pick<PeersPage, 'adapter' | 'products'> & { close(): Promise<void> };
