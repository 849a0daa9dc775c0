import { useEffect, useRef, useState } from 'react';
import { Text } from 'react-aria-components';
import { t } from '../text/index.ts';

interface HelpProps {
  /** What it is about. */
  label: string;
  text: string;
  /** For fields that refer to it themselves; without one it is the description of the field around it. */
  id?: string;
}

/**
 * The help of a field: three lines at most, so that neighbours stay in line, and the rest a press away. All of it is
 * read out, shown or not.
 */
export function Help({ label, text, id }: HelpProps) {
  const [open, setOpen] = useState(false);
  const [clipped, setClipped] = useState(false);
  const host = useRef<HTMLElement>(null);
  useEffect(() => {
    const element = host.current;
    if (!element || open) return;
    const observer = new ResizeObserver(() => setClipped(element.scrollHeight > element.clientHeight + 1));
    observer.observe(element);
    return () => observer.disconnect();
  }, [text, open]);
  return (
    <span className="help" data-open={open}>
      {id === undefined ? (
        <Text slot="description" className="field__help" ref={host}>
          {text}
        </Text>
      ) : (
        <span className="field__help" id={id} ref={host}>
          {text}
        </span>
      )}
      {clipped && (
        <button
          type="button"
          className="help__more"
          aria-expanded={open}
          aria-label={t(open ? 'help.lessAbout' : 'help.moreAbout', { label })}
          onClick={() => setOpen(!open)}
        >
          {t(open ? 'help.less' : 'help.more')}
        </button>
      )}
    </span>
  );
}
