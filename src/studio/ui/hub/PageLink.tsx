import type { ReactNode } from 'react';
import { Icon } from '../controls/Icon.tsx';
import { t } from '../text/index.ts';

/** A link to a page of the Hub, in a new tab: a training must not be left. */
export function PageLink({ page, children }: { page: string; children?: ReactNode }) {
  return (
    <a className="page-link" href={page} target="_blank" rel="noreferrer noopener">
      {children ?? t('hub.page')}
      <Icon name="outside" size={12} />
    </a>
  );
}
