import { describe, expect, it } from 'vitest';
import type { PreviewPiece } from '../../../../hosts/browser/dataProtocol.ts';
import { previewRuns } from './previewRuns.ts';

const piece = (text: string, changes: Partial<PreviewPiece> = {}): PreviewPiece => ({
  text,
  trained: false,
  special: false,
  tokens: 1,
  ...changes,
});

/** Parts as `kind: use text text | use text`. */
const shown = (pieces: PreviewPiece[]) =>
  previewRuns(pieces).map(
    ({ kind, turn, runs }) =>
      `${turn ?? ''}${kind ?? 'said'}: ${runs
        .map((run) => `${run.use} ${run.pieces.map(({ text }) => text).join('')}`)
        .join(' | ')}`,
  );

describe('previewRuns', () => {
  it('groups pieces of one part and one use, in order', () => {
    const pieces = [
      piece('user asks '),
      piece('<s>', { special: true }),
      piece('plan', { kind: 'thought', trained: true }),
      piece(' more', { kind: 'thought' }),
      piece('call', { kind: 'call', trained: true }),
      piece('</s>', { trained: true, special: true }),
      piece('gone', { trained: true, cut: true }),
    ];
    expect(shown(pieces)).toEqual([
      'said: masked user asks <s>',
      'thought: trained plan | masked  more',
      'call: trained call',
      'said: trained </s> | cut gone',
    ]);
  });

  it('starts a new run at each turn that is a row', () => {
    const pieces = [piece('a', { turn: 1 }), piece('b', { trained: true }), piece('c', { turn: 2 })];
    expect(shown(pieces)).toEqual(['1said: masked a | trained b', '2said: masked c']);
  });
});
