import { Fragment } from 'react';
import type { PreviewPiece } from '../../workers/dataProtocol.ts';
import { t } from '../text/index.ts';
import { previewRuns, type PreviewRun } from './previewRuns.ts';

/**
 * Text in runs: trained text is underlined and tinted, what is cut off struck out, special tokens stand in frames,
 * thoughts and tools behind a rule under their name, so that nothing depends on colour; screen readers hear where
 * runs begin and end.
 */
export function PreviewText({ pieces }: { pieces: readonly PreviewPiece[] }) {
  return previewRuns(pieces).map(({ turn, kind, runs }, position) => (
    <Fragment key={position}>
      {turn !== undefined && <h4 className="preview__turn">{t('data.turn', { n: turn })}</h4>}
      {kind === undefined ? (
        <Runs runs={runs} />
      ) : (
        <span className="preview__part" data-kind={kind}>
          <span className="preview__part-name">{t(`data.part.${kind}`)}</span>
          <Runs runs={runs} />
          <span className="hidden">{t('data.partEnd', { part: t(`data.part.${kind}`) })}</span>
        </span>
      )}
    </Fragment>
  ));
}

function Runs({ runs }: { runs: readonly PreviewRun[] }) {
  return runs.map(({ use, pieces }, position) => {
    const inner = pieces.map(({ text, special }, index) => (
      <span key={index} className={special ? 'special' : undefined}>
        {special ? text : showBreaks(text)}
      </span>
    ));
    if (use === 'masked') {
      return (
        <span key={position} className="preview__masked">
          {inner}
        </span>
      );
    }
    if (use === 'trained') {
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

/** Line breaks are tokens too: they are drawn as well as obeyed. */
function showBreaks(text: string): string {
  return text.replaceAll('\n', '↵\n');
}
