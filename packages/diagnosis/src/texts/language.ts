/** The two languages of everything that the doctor says. */
export type Language = 'en' | 'ja';

/** One text in both. */
export type Both = Readonly<Record<Language, string>>;
