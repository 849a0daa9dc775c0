import { useEffect, useRef } from 'react';
import { Button } from 'react-aria-components';
import { useStudio } from '../../../store/index.ts';
import { hasRight } from '../../../store/sides.ts';
import { busyWith } from '../../../store/state.ts';
import { sideIds } from '../../../store/state/tryout.ts';
import { ErrorNotice, Notice } from '../../controls/Notice.tsx';
import { ProgressLine } from '../../controls/ProgressLine.tsx';
import { formatCount } from '../../format.ts';
import { t } from '../../text/index.ts';
import { Composer } from './Composer.tsx';
import { SystemMessage } from './SamplingSettings.tsx';
import { SidePicker } from './SidePicker.tsx';
import { Turn } from './Turn.tsx';

/** A conversation of several turns with one model, or with two side by side. */
export function Conversation() {
  const { turns, loading, status } = useStudio((state) => state.tryout);
  const written = useStudio((state) => state.tryout.writing?.text.length ?? 0);
  const two = useStudio(hasRight);
  const choices = useStudio((state) => state.tryout.checkpoints.length > 0 || state.adapter !== null);
  const isFallback = useStudio((state) => state.model.tokenizer === 'fallback');
  const list = useRef<HTMLElement>(null);
  // The last turn is what one reads.
  useEffect(() => {
    if (list.current) list.current.scrollTop = list.current.scrollHeight;
  }, [turns.length, written, status]);
  return (
    <div className="conversation" data-single={!two}>
      <div className="conversation__heads">
        {sideIds.map((side) => (side === 'left' || two || choices) && <SidePicker key={side} side={side} />)}
      </div>
      <SystemMessage />
      <section
        className="conversation__turns"
        ref={list}
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, so it must take the focus
        tabIndex={0}
        aria-label={t('chat.conversation')}
      >
        {turns.length === 0 && (
          <p className="conversation__empty">{t(two ? 'chat.empty' : 'chat.emptyBase')}</p>
        )}
        {turns.length === 0 && isFallback && <p className="conversation__empty">{t('chat.noTemplate')}</p>}
        {turns.map((turn, index) => (
          // oxlint-disable-next-line react/no-array-index-key -- a turn is its place in the conversation
          <Turn key={index} turn={turn} index={index} two={two} />
        ))}
      </section>
      {loading && <ProgressLine label={t('train.loading')} progress={loading} />}
      <Remarks />
      <Composer />
    </div>
  );
}

/** What happened to the conversation besides answers. */
function Remarks() {
  const { dropped, same, added, addError } = useStudio((state) => state.tryout);
  const undrop = useStudio((state) => state.undrop);
  const showView = useStudio((state) => state.showView);
  const showRow = useStudio((state) => state.showRow);
  const busy = useStudio((state) => busyWith(state) !== null);
  return (
    <>
      <ErrorNotice error={addError} />
      {dropped && (
        <p className="remark conversation__remark" role="status">
          {t(dropped.by === 'edit' ? 'chat.droppedByEdit' : 'chat.droppedByClear', { n: dropped.n })}{' '}
          <Button className="button button--small" isDisabled={busy} onPress={undrop}>
            {t('chat.undrop')}
          </Button>
        </p>
      )}
      {same && <Notice tone="info">{t('chat.same')}</Notice>}
      {added && (
        <p className="remark conversation__remark" role="status">
          {t('chat.added', { row: formatCount(added.position + 1) })}{' '}
          <Button
            className="button button--small"
            onPress={() => {
              showView('data');
              void showRow(added.position);
            }}
          >
            {t('chat.showAdded')}
          </Button>
        </p>
      )}
    </>
  );
}
