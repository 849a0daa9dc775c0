import { Fragment } from 'react';
import { Button } from 'react-aria-components';
import { useStudio } from '../../store/index.ts';
import type { PreviewPiece } from '../../workers/dataProtocol.ts';
import { Icon } from '../controls/Icon.tsx';
import { NumberInput } from '../controls/NumberInput.tsx';
import { SwitchInput } from '../controls/SwitchInput.tsx';
import { formatCount } from '../format.ts';
import { t } from '../text/index.ts';

/** A row as the model reads it; trained text is underlined and tinted, so that it never depends on colour. */
export function Preview({ rows }: { rows: number }) {
  const preview = useStudio((state) => state.dataset.preview);
  const showRow = useStudio((state) => state.showRow);
  const mark = useStudio((state) => state.prefs.markTrained);
  const setPref = useStudio((state) => state.setPref);
  if (!preview) return null;
  const { index, line, tokens, pieces } = preview;
  const go = (to: number) => void showRow(Math.max(0, Math.min(rows - 1, to)));
  return (
    <div className="part">
      <div className="part__head">
        <h3>{t('data.preview')}</h3>
        <SwitchInput
          label={t('data.mark')}
          selected={mark}
          onChange={(selected) => setPref('markTrained', selected)}
        />
      </div>
      <div className="preview">
        {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, so it must take the focus */}
        <section className="preview__text" tabIndex={0} aria-label={t('data.preview')} data-mark={mark}>
          {runsOf(pieces).map(({ trained, pieces: run }, position) =>
            trained ? (
              <mark key={position}>
                <span className="hidden">{t('data.trainedStart')}</span>
                <Pieces pieces={run} />
                <span className="hidden">{t('data.trainedEnd')}</span>
              </mark>
            ) : (
              <span key={position} className="preview__masked">
                <Pieces pieces={run} />
              </span>
            ),
          )}
        </section>
        <div className="preview__foot">
          {mark && (
            <p className="preview__legend">
              <mark>{t('data.legendTrained')}</mark>
              <span className="preview__masked">{t('data.legendMasked')}</span>
            </p>
          )}
          <p className="preview__facts">{t('data.previewFacts', { line, tokens })}</p>
          <div className="preview__pager">
            <Button
              className="icon-button"
              aria-label={t('data.previous')}
              isDisabled={index === 0}
              onPress={() => go(index - 1)}
            >
              <Icon name="left" />
            </Button>
            <NumberInput
              label={t('data.goTo')}
              text={String(index + 1)}
              onText={(text) => /^\d+$/.test(text) && go(Number(text) - 1)}
            />
            <span className="preview__of">/ {formatCount(rows)}</span>
            <Button
              className="icon-button"
              aria-label={t('data.next')}
              isDisabled={index >= rows - 1}
              onPress={() => go(index + 1)}
            >
              <Icon name="chevron" />
            </Button>
          </div>
        </div>
      </div>
    </div>
  );
}

function Pieces({ pieces }: { pieces: PreviewPiece[] }) {
  return pieces.map(({ text }, index) => <Fragment key={index}>{showBreaks(text)}</Fragment>);
}

/** Line breaks are tokens too: they are drawn as well as obeyed. */
function showBreaks(text: string): string {
  return text.replaceAll('\n', '↵\n');
}

/** Neighbouring pieces that share whether they are trained. */
function runsOf(pieces: readonly PreviewPiece[]): { trained: boolean; pieces: PreviewPiece[] }[] {
  const runs: { trained: boolean; pieces: PreviewPiece[] }[] = [];
  for (const piece of pieces) {
    const last = runs.at(-1);
    if (last?.trained === piece.trained) last.pieces.push(piece);
    else runs.push({ trained: piece.trained, pieces: [piece] });
  }
  return runs;
}
