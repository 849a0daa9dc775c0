import { useState } from 'react';
import { FieldError, Label, TextArea, TextField } from 'react-aria-components';
import { Help } from './Help.tsx';

interface CodeInputProps {
  label: string;
  /** Content of the field when it is not being edited. */
  text: string;
  onText: (text: string) => void;
  help: string;
  /** Shown instead of the help if the text is invalid. */
  problem: string | null;
  disabled: boolean;
}

/** A field for JSON or code; typed text stays as it is until the field loses focus. */
export function CodeInput({ label, text, onText, help, problem, disabled }: CodeInputProps) {
  const [typing, setTyping] = useState<string | null>(null);
  const change = (value: string) => {
    setTyping(value);
    onText(value);
  };
  const shown = typing ?? text;
  return (
    <TextField
      className="field"
      value={shown}
      onChange={change}
      onFocus={() => setTyping(text)}
      onBlur={() => setTyping(null)}
      isInvalid={problem !== null}
      isDisabled={disabled}
    >
      <Label>{label}</Label>
      <TextArea
        className="mono field__code"
        rows={Math.min(8, shown.split('\n').length)}
        autoComplete="off"
        spellCheck={false}
      />
      {problem === null ? (
        <Help label={label} text={help} />
      ) : (
        <FieldError className="field__problem">{problem}</FieldError>
      )}
    </TextField>
  );
}
