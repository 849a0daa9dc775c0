import { useState, type KeyboardEvent } from 'react';
import { Button } from 'react-aria-components';
import { useStudio } from '../../../store/index.ts';
import { isTraining } from '../../../store/state.ts';
import type { PreviewedRow } from '../../../../hosts/browser/dataProtocol.ts';
import { Icon } from '../../controls/Icon.tsx';
import { NumberInput } from '../../controls/NumberInput.tsx';
import { SwitchInput } from '../../controls/SwitchInput.tsx';
import { formatCount } from '../../format.ts';
import { t } from '../../text/index.ts';
import { problemText } from './DataProblems.tsx';
import { PreviewText } from './PreviewText.tsx';
import { RowEditor } from './RowEditor.tsx';
import { RowSearch } from './RowSearch.tsx';

/** A row as the model sees it, with navigation and editing. */
export function Preview({ positions }: { positions: number }) {
  const preview = useStudio((state) => state.dataset.preview);
  const mark = useStudio((state) => state.prefs.markTrained);
  const setPref = useStudio((state) => state.setPref);
  const [editing, setEditing] = useState<number | null>(null);
  const drafts = useStudio((state) => state.dataset.drafts);
  if (!preview) return null;
  // An edit that was left unfinished is open again where it was.
  const isEditing = editing === preview.position || preview.position in drafts;
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
      <RowSearch />
      <div className="preview">
        <RowHead row={preview} editing={isEditing} onEdit={() => setEditing(preview.position)} />
        {isEditing ? (
          <RowEditor key={preview.position} position={preview.position} onClose={() => setEditing(null)} />
        ) : (
          <Reader row={preview} positions={positions} mark={mark} />
        )}
        <div className="preview__foot">
          <Legend row={preview} mark={mark} />
          <Pager row={preview} positions={positions} />
        </div>
      </div>
    </div>
  );
}

/** Legend of the marks that occur in this row. */
function Legend({ row: { pieces, tokens }, mark }: { row: PreviewedRow; mark: boolean }) {
  const kinds = [...new Set(pieces.flatMap(({ kind }) => kind ?? []))];
  return (
    <p className="preview__legend">
      {mark && tokens > 0 && (
        <>
          <mark>{t('data.legendTrained')}</mark>
          <span className="preview__masked">{t('data.legendMasked')}</span>
        </>
      )}
      {kinds.map((kind) => (
        <span key={kind} className="preview__swatch" data-kind={kind}>
          {t(`data.part.${kind}`)}
        </span>
      ))}
    </p>
  );
}

/** The text itself; left and right go to adjacent rows. */
function Reader({ row, positions, mark }: { row: PreviewedRow; positions: number; mark: boolean }) {
  const go = useGo(positions);
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    go(row.position + step);
  };
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- scrolls and pages by keys
    <section
      className="preview__text"
      // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, so it must be focusable
      tabIndex={0}
      aria-label={t('data.preview')}
      data-mark={mark}
      data-use={row.use}
      onKeyDown={onKeyDown}
    >
      {row.problem && <p className="preview__problem">{problemText(row.problem)}</p>}
      <PreviewText pieces={row.pieces} />
    </section>
  );
}

/** Which row it is, how it is used, and its actions. */
function RowHead({ row, editing, onEdit }: { row: PreviewedRow; editing: boolean; onEdit: () => void }) {
  const { position, line, use, edited, added, tokens, trainedTokens, cutTokens, codes } = row;
  const changeRows = useStudio((state) => state.changeRows);
  const disabled = useStudio((state) => isTraining(state) || state.dataset.tokenizing);
  return (
    <div className="preview__head">
      <p className="preview__facts">
        <span className="tag" data-use={use}>
          {t(`data.use.${use}`)}
        </span>
        {added && <span className="tag">{t('data.isAdded')}</span>}
        {edited && <span className="tag">{t('data.isEdited')}</span>}
        {editing && <span className="tag">{t('edit.draft')}</span>}
        {codes.map((code) => (
          <span key={code} className="tag" data-use="noted">
            {t(`lint.${code}.tag`)}
          </span>
        ))}
        {!added && <span>{t('data.line', { line })}</span>}
        {tokens > 0 && <span>{t('data.rowTokens', { tokens, trained: trainedTokens })}</span>}
        {cutTokens > 0 && <span>{t('data.rowCut', { cut: cutTokens })}</span>}
      </p>
      {!editing && (
        <div className="row row--tight">
          {edited && (
            <Button
              className="button button--small"
              isDisabled={disabled}
              onPress={() => void changeRows({ kind: 'restore', position })}
            >
              {t('data.restore')}
            </Button>
          )}
          <Button className="button button--small" isDisabled={disabled} onPress={onEdit}>
            {t('data.edit')}
          </Button>
          <Button
            className="button button--small"
            isDisabled={disabled}
            onPress={() => void changeRows({ kind: use === 'excluded' ? 'include' : 'exclude', position })}
          >
            {t(use === 'excluded' ? 'data.include' : 'data.excludeRow')}
          </Button>
        </div>
      )}
    </div>
  );
}

function Pager({ row: { position }, positions }: { row: PreviewedRow; positions: number }) {
  const go = useGo(positions);
  return (
    <div className="preview__pager">
      <Button
        className="icon-button"
        aria-label={t('data.previous')}
        isDisabled={position === 0}
        onPress={() => go(position - 1)}
      >
        <Icon name="left" />
      </Button>
      <NumberInput
        label={t('data.goTo')}
        text={String(position + 1)}
        onText={(text) => /^\d+$/.test(text) && go(Number(text) - 1)}
      />
      <span className="preview__of">/ {formatCount(positions)}</span>
      <Button
        className="icon-button"
        aria-label={t('data.next')}
        isDisabled={position >= positions - 1}
        onPress={() => go(position + 1)}
      >
        <Icon name="chevron" />
      </Button>
    </div>
  );
}

function useGo(positions: number): (position: number) => void {
  const showRow = useStudio((state) => state.showRow);
  return (position) => void showRow(Math.max(0, Math.min(positions - 1, position)));
}
