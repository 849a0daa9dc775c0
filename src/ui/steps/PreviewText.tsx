import type { PreviewPiece } from '../../workers/dataProtocol.ts';
import { t } from '../text/index.ts';

/**
 * Text in runs: trained text is underlined and tinted, what is cut off struck out, special tokens stand in frames, so
 * that nothing depends on colour; screen readers hear where runs begin and end.
 */
export function PreviewText({ pieces }: { pieces: readonly PreviewPiece[] }) {
  return runsOf(pieces).map(({ kind, pieces: run }, position) => {
    const inner = run.map(({ text, special }, index) => (
      <span key={index} className={special ? 'special' : undefined}>
        {special ? text : showBreaks(text)}
      </span>
    ));
    if (kind === 'masked') {
      return (
        <span key={position} className="preview__masked">
          {inner}
        </span>
      );
    }
    if (kind === 'trained') {
      return (
        <mark key={position}>
          <span className="hidden">{t('data.trainedStart')}</span>
          {inner}
          <span className="hidden">{t('data.trainedEnd')}</span>
        </mark>
      );
    }
    return (
      <s key={position} className="preview__cut">
        <span className="preview__cut-mark">{t('data.cutHere')}</span>
        {inner}
      </s>
    );
  });
}

type RunKind = 'trained' | 'masked' | 'cut';

/** Line breaks are tokens too: they are drawn as well as obeyed. */
function showBreaks(text: string): string {
  return text.replaceAll('\n', '↵\n');
}

/** Neighbouring pieces of one kind. */
function runsOf(pieces: readonly PreviewPiece[]): { kind: RunKind; pieces: PreviewPiece[] }[] {
  const runs: { kind: RunKind; pieces: PreviewPiece[] }[] = [];
  for (const piece of pieces) {
    const kind = piece.cut ? 'cut' : piece.trained ? 'trained' : 'masked';
    const last = runs.at(-1);
    if (last?.kind === kind) last.pieces.push(piece);
    else runs.push({ kind, pieces: [piece] });
  }
  return runs;
}
