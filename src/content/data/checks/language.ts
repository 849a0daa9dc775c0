/** Languages in Latin letters that are told apart, by the words that any text of theirs is full of. */
const words = {
  English:
    'the,of,and,to,in,is,that,it,was,for,with,as,his,on,be,at,by,this,had,not,are,but,from,they,which,you',
  German:
    'der,die,und,das,ist,nicht,ein,eine,zu,den,von,mit,sich,des,auf,für,im,dem,auch,als,wie,er,sie,es,wird',
  French:
    'le,la,les,et,est,des,un,une,du,que,dans,qui,pour,pas,sur,au,avec,ce,il,elle,sont,par,plus,ne,se,vous',
  Spanish: 'el,la,los,las,y,es,en,un,una,que,del,por,con,no,para,su,se,al,lo,como,más,pero,sus,le,ha,este',
  Italian:
    'il,la,che,di,e,un,una,per,non,sono,con,del,della,le,si,nel,alla,ma,come,più,gli,dei,questo,anche,è,lo',
  Portuguese: 'o,a,os,as,e,é,de,do,da,que,um,uma,em,não,para,com,no,na,por,mais,dos,se,ao,como,mas,foi,são',
  Dutch: 'de,het,een,en,van,is,dat,niet,te,op,in,zijn,voor,met,die,aan,er,om,ook,als,maar,bij,dan,nog,naar',
} as const;

export type Language = keyof typeof words;

const names = Object.keys(words) as Language[];

/** The languages that have a word among theirs, by their positions in `names`. */
const byWord = new Map<string, number[]>();
names.forEach((name, at) => {
  for (const word of words[name].split(',')) byWord.set(word, [...(byWord.get(word) ?? []), at]);
});

/** Characters that are read of a text. */
const SAMPLE = 600;

/** Fewer words say nothing. */
const MIN_WORDS = 12;
/** The share of the words that must be such ones, and how many times as many as of the next language. */
const [MIN_SHARE, LEAD] = [0.15, 1.5];

/** The language of a text in Latin letters; null where it cannot be told. */
export function languageOf(text: string): Language | null {
  const found =
    text
      .slice(0, SAMPLE)
      .toLowerCase()
      .match(/\p{L}+/gu) ?? [];
  if (found.length < MIN_WORDS) return null;
  const counts = names.map(() => 0);
  for (const word of found) for (const at of byWord.get(word) ?? []) counts[at]! += 1;
  const best = counts.indexOf(Math.max(...counts));
  const next = Math.max(...counts.filter((_, at) => at !== best));
  const clear = counts[best]! >= MIN_SHARE * found.length && counts[best]! >= LEAD * next;
  return clear ? names[best]! : null;
}
