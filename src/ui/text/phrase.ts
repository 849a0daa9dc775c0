/** A text, or its forms by the plural rule of the parameter `n`. */
export type Phrase = string | { one: string; other: string };
