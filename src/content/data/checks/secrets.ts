/** What may be found in a text that should not be trained on. */
export type SecretKind = 'secret' | 'personal';

/** A secret or personal detail, masked: enough to find it, too little to use it. */
export interface Secret {
  kind: SecretKind;
  masked: string;
}

/** Tokens that services mark as theirs, keys, and passwords in addresses. */
const SECRETS: readonly RegExp[] = [
  /\bsk-(?:proj-|ant-|or-)?[\w-]{20,}/g,
  /\b(?:gh[pousr]_\w{30,}|github_pat_\w{30,}|glpat-[\w-]{20,})/g,
  /\bhf_[a-zA-Z0-9]{30,}\b/g,
  /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/g,
  /\bAIza[\w-]{35}/g,
  /\bxox[abprs]-[\w-]{10,}/g,
  /\b(?:rk|sk|pk)_live_\w{16,}/g,
  /(?<![\w-])eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}/g,
  /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/g,
  /\b[a-z][a-z0-9+.-]{0,30}:\/\/[^\s:/@]+:[^\s:/@]{3,}@[^\s/]+/gi,
];

/** Some part of each of them: most texts have none, which one pass tells. */
const ANY_SECRET =
  /sk-|gh[pousr]_|github_pat_|glpat-|hf_|A[KS]IA|AIza|xox|_live_|eyJ|PRIVATE KEY|:\/\/[^\s:/@]+:[^\s:/@]+@/;

/** No name before the @ is longer: without its limit, a text of dots would be searched anew at each of them. */
const EMAIL = /\b[\w.+-]{1,64}@[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}\b/gi;
/** Addresses that name nobody: RFC 2606's domains, and senders that read nothing. */
const NOBODY =
  /@(?:[\w.-]+\.)?(?:example|test|invalid|localhost)(?:\.\w+)?$|^(?:no-?reply|user|name|info|email)@/i;
/** 13 to 19 digits, in groups or not: a card number where Luhn's sum agrees. */
const CARD = /\b(?:\d[ -]?){12,18}\d\b/g;
/** An IBAN; its check digits must agree. */
const IBAN = /\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b/g;
const SOCIAL_SECURITY = /\b(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}\b/g;

/** The secrets and personal details in a text, in the order of their kinds. Linear in its length. */
export function secretsIn(text: string): Secret[] {
  const found: Secret[] = [];
  if (ANY_SECRET.test(text)) {
    for (const pattern of SECRETS)
      for (const [value] of text.matchAll(pattern)) found.push({ kind: 'secret', masked: mask(value) });
  }
  const personal = (value: string) => found.push({ kind: 'personal', masked: mask(value) });
  if (text.includes('@'))
    for (const [value] of text.matchAll(EMAIL)) if (!NOBODY.test(value)) personal(value);
  if (!/\d[\d -]{2,}\d/.test(text)) return found;
  for (const [value] of text.matchAll(CARD)) if (isCard(value.replace(/\D/g, ''))) personal(value);
  for (const [value] of text.matchAll(IBAN)) if (isIban(value.replaceAll(' ', ''))) personal(value);
  for (const [value] of text.matchAll(SOCIAL_SECURITY)) personal(value);
  return found;
}

/** The first and the last characters, at most a quarter of it in all. */
function mask(value: string): string {
  const shown = Math.max(1, Math.min(4, Math.floor(value.length / 8)));
  return `${value.slice(0, shown)}…${value.slice(-shown)}`;
}

/** Whether an issuer's first digits and Luhn's sum agree; a number of one digit repeated is none. */
function isCard(digits: string): boolean {
  if (!/^(?:4|5[1-5]|2[2-7]|3[47]|6(?:011|5)|35)/.test(digits) || /^(\d)\1*$/.test(digits)) return false;
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = Number(digits.at(-1 - i));
    const doubled = i % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}

/** ISO 13616: the number, its first four characters last and letters as 10 to 35, is 1 modulo 97. */
function isIban(value: string): boolean {
  if (value.length < 15 || value.length > 34) return false;
  let rest = 0;
  for (const char of value.slice(4) + value.slice(0, 4))
    for (const digit of String(Number.parseInt(char, 36))) rest = (rest * 10 + Number(digit)) % 97;
  return rest === 1;
}
