import type { ReactNode } from 'react';
import { Icon, type IconName } from './Icon.tsx';

interface DropAreaProps {
  /** What is expected here; PageDrop handles the drop. */
  target: 'model' | 'data';
  icon: IconName;
  title: string;
  hint: string;
  children: ReactNode;
}

/** The empty state of a step that accepts files: drop here, or choose with the buttons inside. */
export function DropArea({ target, icon, title, hint, children }: DropAreaProps) {
  return (
    <div className="drop" data-drop={target}>
      <Icon name={icon} size={28} />
      <p className="drop__title">{title}</p>
      <p className="drop__hint">{hint}</p>
      <div className="drop__actions">{children}</div>
    </div>
  );
}
