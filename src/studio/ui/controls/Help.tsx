import { createContext, useContext, useEffect, useRef, useState } from 'react';
import { Text } from 'react-aria-components';
import { t } from '../text/index.ts';

/** Where help is shown: below its field, or elsewhere, so that here it is only the field's description. */
export const HelpPlace = createContext<'below' | 'description'>('below');

interface HelpProps {
  /** The subject. */
  label: string;
  text: string;
  /** For fields that refer to it themselves; otherwise it is the description of the enclosing field. */
  id?: string;
}

/**
 * The help of a field: at most three lines, so that adjacent fields stay aligned, and the rest on request. Screen
 * readers read all of it.
 */
export function Help(props: HelpProps) {
  const { text, id } = props;
  if (useContext(HelpPlace) === 'below') return <HelpBelow {...props} />;
  return id === undefined ? (
    <Text slot="description" className="hidden">
      {text}
    </Text>
  ) : (
    <span className="hidden" id={id}>
      {text}
    </span>
  );
}

function HelpBelow({ label, text, id }: HelpProps) {
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
