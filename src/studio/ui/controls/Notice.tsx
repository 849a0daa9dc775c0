import { useEffect, useRef, useState, type ReactNode } from 'react';
import { Button } from 'react-aria-components';
import type { ErrorNote } from '../../store/errorNote.ts';
import { errorText, t } from '../text/index.ts';
import { Icon } from './Icon.tsx';

/** An inline remark: information, a warning, or success. */
export function Notice({ tone, children }: { tone: 'info' | 'warning' | 'good'; children: ReactNode }) {
  const icon = tone === 'good' ? 'check' : tone;
  return (
    <div className={`notice notice--${tone}`}>
      <Icon name={icon} />
      <div className="notice__text">{children}</div>
    </div>
  );
}

/** A warning with the text of a non-fatal error. */
export function WarningNotice({ note }: { note: ErrorNote }) {
  if (!note.code) return null;
  const { what, next } = errorText(note.code, note.params);
  return (
    <Notice tone="warning">
      <p className="notice__what">{what}</p>
      <p>{next}</p>
    </Notice>
  );
}

interface ErrorNoticeProps {
  error: ErrorNote | null;
  onDismiss?: () => void;
  /** What it is about, where several errors may be shown at once. */
  subject?: string | undefined;
  /** A button that does what the text advises. */
  action?: ReactNode;
}

/** An inline error: what happened and why, then the one thing to do. */
export function ErrorNotice({ error, onDismiss, subject, action }: ErrorNoticeProps) {
  const ref = useRef<HTMLDivElement>(null);
  // An error that nobody sees has not been reported.
  useEffect(() => {
    if (error) ref.current?.scrollIntoView({ block: 'nearest' });
  }, [error]);
  if (!error) return null;
  const { what, next } = error.code
    ? errorText(error.code, error.params)
    : { what: t('error.unexpected', { message: error.message }), next: t('error.unexpectedNext') };
  return (
    <div ref={ref} className="notice notice--error" role="alert">
      <Icon name="warning" />
      <div className="notice__text">
        <p className="notice__what">{what}</p>
        <p>{next}</p>
        {(action || !error.code) && (
          <div className="row row--tight">
            {action}
            {!error.code && <CopyButton text={error.detail} />}
          </div>
        )}
      </div>
      {onDismiss && (
        <Button
          className="icon-button"
          aria-label={subject === undefined ? t('error.dismiss') : t('error.dismissName', { name: subject })}
          onPress={onDismiss}
        >
          <Icon name="cross" />
        </Button>
      )}
    </div>
  );
}

interface CopyButtonProps {
  text: string;
  label?: string;
  /** What is copied, for screen readers; begins with the label. */
  name?: string;
}

/** Copies a text to the clipboard, and confirms it. */
export function CopyButton({ text, label = t('error.copy'), name }: CopyButtonProps) {
  const [copied, setCopied] = useState(false);
  const copy = () => {
    navigator.clipboard.writeText(text).then(
      () => setCopied(true),
      () => setCopied(false),
    );
  };
  return (
    <Button className="button button--small" aria-label={copied ? undefined : name} onPress={copy}>
      {copied ? t('error.copied') : label}
    </Button>
  );
}
