/** Creates a formatter once per language: they are expensive. */
function byLanguage<T>(make: (tag: string) => T): (tag: string) => T {
  const made = new Map<string, T>();
  return (tag) => {
    let one = made.get(tag);
    if (!one) made.set(tag, (one = make(tag)));
    return one;
  };
}

export const pluralsOf = byLanguage((tag) => new Intl.PluralRules(tag));
export const numbersOf = byLanguage((tag) => new Intl.NumberFormat(tag));
export const wholeNumbersOf = byLanguage((tag) => new Intl.NumberFormat(tag, { maximumFractionDigits: 0 }));
export const percentsOf = byLanguage(
  (tag) => new Intl.NumberFormat(tag, { style: 'percent', maximumFractionDigits: 0 }),
);
export const datesOf = byLanguage((tag) => new Intl.DateTimeFormat(tag, { dateStyle: 'medium' }));
