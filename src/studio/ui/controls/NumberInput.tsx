import { useState, type KeyboardEvent } from 'react';
import { FieldError, Input, Label, TextField } from 'react-aria-components';
import { Help } from './Help.tsx';

interface NumberInputProps {
  label: string;
  /** Content of the field when it is not being edited. */
  text: string;
  onText: (text: string) => void;
  help?: string;
  /** Shown instead of the help if the text is invalid. */
  problem?: string | null;
  disabled?: boolean;
  /** Placeholder. */
  placeholder?: string;
  /** Suffix after the number. */
  unit?: string;
  /** The value after an up or down key; null if there is no step. */
  step?: (direction: 1 | -1) => string | null;
}

/** A number field. Accepts scientific notation (2e-4); typed text is never silently corrected. */
export function NumberInput(props: NumberInputProps) {
  const { label, text, onText, help, problem, disabled, placeholder, unit, step } = props;
  const [typing, setTyping] = useState<string | null>(null);
  const change = (value: string) => {
    setTyping(value);
    onText(value);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (!step || (event.key !== 'ArrowUp' && event.key !== 'ArrowDown')) return;
    const next = step(event.key === 'ArrowUp' ? 1 : -1);
    if (next === null) return;
    event.preventDefault();
    change(next);
  };
  return (
    <TextField
      className="field"
      value={typing ?? text}
      onChange={change}
      onFocus={() => setTyping(text)}
      onBlur={() => setTyping(null)}
      isInvalid={Boolean(problem)}
      isDisabled={disabled ?? false}
    >
      <Label>{label}</Label>
      <span className="field__control">
        <Input
          inputMode="decimal"
          autoComplete="off"
          spellCheck={false}
          placeholder={placeholder}
          onKeyDown={onKeyDown}
        />
        {unit && <span className="field__unit">{unit}</span>}
      </span>
      {problem ? (
        <FieldError className="field__problem">{problem}</FieldError>
      ) : (
        help && <Help label={label} text={help} />
      )}
    </TextField>
  );
}
