import { Fragment } from 'react';
import type { PreviewPiece } from '../../../../hosts/browser/dataProtocol.ts';
import { t } from '../../text/index.ts';
import { previewRuns, type PreviewRun } from './previewRuns.ts';

/**
 * Text in runs: trained text is underlined and tinted, truncated text struck out, special tokens are framed, thoughts
 * and tools have a rule and a label, so that nothing depends on colour; screen readers announce where runs start and
 * end.
 */
export function PreviewText({ pieces }: { pieces: readonly PreviewPiece[] }) {
  return previewRuns(pieces).map(({ turn, answer, kind, runs }, position) => (
    <Fragment key={position}>
      {turn !== undefined && <h4 className="preview__turn">{t('data.turn', { n: turn })}</h4>}
      {answer !== undefined && <h4 className="preview__turn">{t(`data.answer.${answer}`)}</h4>}
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

/** Line breaks are tokens too: they are shown as well as applied. */
function showBreaks(text: string): string {
  return text.replaceAll('\n', '↵\n');
}
