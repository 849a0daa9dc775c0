import { useId } from 'react';
import { Switch } from 'react-aria-components';

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
      <Switch
        className="switch"
        isSelected={selected}
        onChange={onChange}
        isDisabled={disabled ?? false}
        {...(help && { 'aria-describedby': helpId })}
      >
        <span className="switch__track" aria-hidden="true" />
        <span>{label}</span>
      </Switch>
      {help && (
        <span className="field__help" id={helpId}>
          {help}
        </span>
      )}
    </div>
  );
}
