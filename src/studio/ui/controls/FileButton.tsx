import { useId, type ReactNode } from 'react';
import type { DroppedFile } from '../../../hosts/browser/intakeProtocol.ts';
import { filesOfInput } from '../files.ts';
import { Icon, type IconName } from './Icon.tsx';

interface FileButtonProps {
  label: string;
  icon: IconName;
  onFiles: (files: DroppedFile[]) => void;
  multiple?: boolean;
  /** Choose a folder instead of files. */
  folder?: boolean;
  accept?: string;
  disabled?: boolean;
  /** Appearance only. */
  kind?: 'primary' | 'plain' | 'quiet';
  children?: ReactNode;
}

/** A real file input under a label that looks like a button: keyboard, screen readers and tests use the input. */
export function FileButton(props: FileButtonProps) {
  const { label, icon, onFiles, multiple, folder, accept, disabled, kind = 'plain' } = props;
  const id = useId();
  return (
    <span className="file-button">
      <input
        id={id}
        type="file"
        className="file-button__input"
        multiple={multiple || folder}
        accept={accept}
        disabled={disabled}
        ref={(input) => {
          if (input && folder) input.webkitdirectory = true;
        }}
        onChange={(event) => {
          const files = filesOfInput(event.currentTarget);
          // Choosing the same file again must fire an event, too.
          event.currentTarget.value = '';
          if (files.length > 0) onFiles(files);
        }}
      />
      <label className={`button button--${kind}`} htmlFor={id}>
        <Icon name={icon} />
        {label}
      </label>
    </span>
  );
}
