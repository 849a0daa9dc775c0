import { Radio, RadioGroup } from 'react-aria-components';

interface SourceChoiceProps<S extends string> {
  label: string;
  value: S;
  /** What each source is called. */
  options: readonly { value: S; name: string }[];
  disabled: boolean;
  onChange(value: S): void;
}

/** Where rows or prompts come from. */
export function SourceChoice<S extends string>({
  label,
  value,
  options,
  disabled,
  onChange,
}: SourceChoiceProps<S>) {
  return (
    <RadioGroup
      className="batch__sources"
      aria-label={label}
      value={value}
      onChange={(chosen) => onChange(chosen as S)}
      isDisabled={disabled}
    >
      {options.map((option) => (
        <Radio key={option.value} value={option.value} className="radio">
          <span className="radio__dot" aria-hidden="true" />
          <span className="radio__name">{option.name}</span>
        </Radio>
      ))}
    </RadioGroup>
  );
}
