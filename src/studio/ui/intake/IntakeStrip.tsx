import { useEffect, useRef, type ReactNode } from 'react';
import { Button } from 'react-aria-components';
import { useStudio } from '../../store/index.ts';
import { waitReason } from '../../store/intakeWaits.ts';
import type { RefusedDrop } from '../../store/state/intake.ts';
import { Icon } from '../controls/Icon.tsx';
import { ErrorNotice, Notice } from '../controls/Notice.tsx';
import { formatList } from '../format.ts';
import { t } from '../text/index.ts';

/** Maximum number of listed names. */
const SHOWN = 6;

/** What was dropped and is not open yet, on every view: what it is, what it waits for, and why something is refused. */
export function IntakeStrip() {
  const { looking, queue, opening, refused, unused } = useStudio((state) => state.intake);
  return (
    <div className="intake">
      <output className="intake__queue" aria-label={t('intake.label')}>
        {looking > 0 && <Line text={t('intake.looking')} />}
        {opening && opening.item.kind !== 'model' && (
          <Line
            text={t('intake.opening', { what: t(`intake.kind.${opening.item.kind}`), name: opening.name })}
          />
        )}
        {queue.map(({ id }) => (
          <Waiting key={id} id={id} />
        ))}
      </output>
      {refused.map((one) => (
        <Refused key={one.id} refused={one} />
      ))}
      {unused.length > 0 && <Unused names={unused} />}
    </div>
  );
}

function Line({ text, children }: { text: string; children?: ReactNode }) {
  return (
    <div className="intake__line">
      <Icon name="file" />
      <p>{text}</p>
      {children}
    </div>
  );
}

function Waiting({ id }: { id: number }) {
  const queued = useStudio(({ intake }) => intake.queue.find((one) => one.id === id));
  const reason = useStudio((state) => (queued ? waitReason(state, queued) : null));
  const remove = useStudio((state) => state.removeQueued);
  if (!queued) return null;
  const { name, item } = queued;
  const what = t(`intake.kind.${item.kind}`);
  const text = reason
    ? t('intake.waiting', { what, name, reason: t(`intake.waits.${reason}`) })
    : t('intake.opening', { what, name });
  return (
    <Line text={text}>
      <Button className="icon-button" aria-label={t('intake.remove', { name })} onPress={() => remove(id)}>
        <Icon name="cross" />
      </Button>
    </Line>
  );
}

/** Shown where the user looks: it takes the focus, so that a screen reader reads it and the view scrolls to it. */
function Refused({ refused: { id, error } }: { refused: RefusedDrop }) {
  const dismiss = useStudio((state) => state.dismissRefused);
  const ref = useRef<HTMLDivElement>(null);
  useEffect(() => ref.current?.focus(), []);
  return (
    <div ref={ref} tabIndex={-1} className="intake__refused">
      <ErrorNotice
        error={error}
        subject={error.params.file === undefined ? undefined : String(error.params.file)}
        onDismiss={() => dismiss(id)}
      />
    </div>
  );
}

function Unused({ names }: { names: readonly string[] }) {
  const dismiss = useStudio((state) => state.dismissUnused);
  const more = names.length - SHOWN;
  const shown = formatList(names.slice(0, SHOWN));
  return (
    <Notice tone="info">
      <p>
        {more > 0 ? t('intake.unusedMore', { names: shown, n: more }) : t('intake.unused', { names: shown })}
      </p>
      <Button className="button button--small" onPress={dismiss}>
        {t('error.dismiss')}
      </Button>
    </Notice>
  );
}
