import { useId } from 'react';
import { Help } from './Help.tsx';

interface SwitchInputProps {
  label: string;
  selected: boolean;
  onChange: (selected: boolean) => void;
  help?: string;
  disabled?: boolean;
}

/** On or off. */
export function SwitchInput({ label, selected, onChange, help, disabled }: SwitchInputProps) {
  const helpId = useId();
  return (
    <div className="field field--switch">
      <button
        type="button"
        role="switch"
        aria-checked={selected}
        className="switch"
        disabled={disabled}
        aria-describedby={help ? helpId : undefined}
        onClick={() => onChange(!selected)}
      >
        <span className="switch__track" aria-hidden="true" />
        <span>{label}</span>
      </button>
      {help && <Help label={label} text={help} id={helpId} />}
    </div>
  );
}
