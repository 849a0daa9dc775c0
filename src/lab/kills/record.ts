import { fileURLToPath } from 'node:url';
import { readSection, writeSection, type Markers } from '../../testing/docSection.ts';
import { table } from '../../testing/markdownTable.ts';
import type { KillFigures } from '../../testing/kills/figures.ts';

const document = fileURLToPath(new URL('../../../docs/reliability.md', import.meta.url));
const markers: Markers = ['<!-- kills: written by npm run kills -->', '<!-- /kills -->'];

/** A piece of the kills in docs/reliability.md. */
export interface KillPiece extends KillFigures {
  browser: string;
  kind: string;
  seed: number;
}

/** Adds a piece to the table of docs/reliability.md, in place of an earlier one of the same seed, and its sums. */
export function recordKills(piece: KillPiece): void {
  const recorded = readSection(document, markers);
  const pieces = [...parsePieces(recorded).filter((one) => keyOf(one) !== keyOf(piece)), piece];
  pieces.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  writeSection(document, markers, tableOf(pieces));
}

const keyOf = ({ browser, kind, seed }: KillPiece): string =>
  `${browser} ${kind} ${String(seed).padStart(6, '0')}`;

const columns = ['browser', 'what', 'seed', 'kills', 'ended', 'continued'];

function tableOf(pieces: readonly KillPiece[]): string {
  const rows = pieces.map(({ browser, kind, seed, kills, ended, continued }) =>
    [browser, kind, seed, kills, ended, continued].map(String),
  );
  const sums = ['chromium', 'firefox'].map((browser) => {
    const own = pieces.filter((piece) => piece.browser === browser);
    const sum = (key: 'kills' | 'ended' | 'continued') =>
      String(own.reduce((total, piece) => total + piece[key], 0));
    return [browser, '**all**', '', `**${sum('kills')}**`, sum('ended'), sum('continued')];
  });
  return table(columns, [...rows, ...sums]);
}

function parsePieces(recorded: string): KillPiece[] {
  return recorded
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .filter((cells) => /^\d+$/.test(cells[3] ?? ''))
    .map(([, browser, kind, seed, kills, ended, continued]) => ({
      browser: browser!,
      kind: kind!,
      seed: Number(seed),
      kills: Number(kills),
      ended: Number(ended),
      continued: Number(continued),
    }));
}
