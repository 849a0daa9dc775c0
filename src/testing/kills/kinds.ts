import { killDownloads } from './downloads.ts';
import type { KillFigures, KillOrder } from './figures.ts';
import { killImports } from './imports.ts';
import { killMerges } from './merges.ts';
import { killSaves, killTrainings } from './runs.ts';

/** What is killed, by name, and its share of the kills: most of them are of real work. */
export const kinds: Readonly<
  Record<string, { share: number; kill(order: KillOrder): Promise<KillFigures> }>
> = {
  saves: { share: 0.3, kill: killSaves },
  trainings: { share: 0.3, kill: killTrainings },
  merges: { share: 0.15, kill: killMerges },
  downloads: { share: 0.15, kill: killDownloads },
  imports: { share: 0.1, kill: killImports },
};
