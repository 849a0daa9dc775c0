import type { ReactNode } from 'react';
import { Button, Disclosure, DisclosurePanel, Heading } from 'react-aria-components';
import { Icon } from './Icon.tsx';

interface FoldProps {
  title: string;
  /** Shown beside the title, folded or not. */
  note?: string;
  /** Whether it is open at first. */
  open?: boolean;
  children: ReactNode;
}

/** A collapsible section. */
export function Fold({ title, note, open = false, children }: FoldProps) {
  return (
    <Disclosure className="fold" defaultExpanded={open}>
      {({ isExpanded }) => (
        <>
          <div className="fold__head">
            <Heading level={3} className="fold__heading">
              <Button slot="trigger" className="fold__button">
                <Icon name="chevron" />
                {title}
              </Button>
            </Heading>
            {note && <p className="fold__note">{note}</p>}
          </div>
          <DisclosurePanel className="fold__panel">{isExpanded && children}</DisclosurePanel>
        </>
      )}
    </Disclosure>
  );
}
