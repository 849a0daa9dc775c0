import { useId } from 'react';
import { Help } from './Help.tsx';
import { Icon } from './Icon.tsx';

interface SelectInputProps<Value extends string> {
  label: string;
  value: Value;
  options: readonly { value: Value; label: string }[];
  onChange: (value: Value) => void;
  help?: string;
  disabled?: boolean;
}

/** A choice among few options. The browser's own select suits phones and keyboards best. */
export function SelectInput<Value extends string>(props: SelectInputProps<Value>) {
  const { label, value, options, onChange, help, disabled } = props;
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <div className="select">
        <select
          id={id}
          value={value}
          disabled={disabled}
          aria-describedby={help ? `${id}-help` : undefined}
          onChange={(event) => onChange(event.currentTarget.value as Value)}
        >
          {options.map((option) => (
            <option key={option.value} value={option.value}>
              {option.label}
            </option>
          ))}
        </select>
        <Icon name="down" />
      </div>
      {help && <Help label={label} text={help} id={`${id}-help`} />}
    </div>
  );
}
