// The choice of a language, each in its own words.

import { type Language, LANGUAGES, chooseLanguage, currentLanguage, t } from '../kit/i18n';
import { select } from '../kit/fields';

/** The list of languages; `changed` draws everything anew. */
export function languageTool(changed: () => Promise<void>): HTMLElement {
  const choices = Object.entries(LANGUAGES).map(([value, title]) => ({ value, title }));
  return select(t('language.title'), choices, currentLanguage(), (value) => {
    void chooseLanguage(value as Language).then(changed);
  });
}
