// An address that is no page.

import { h } from '../../kit/dom';
import { t } from '../../kit/i18n';
import { empty } from '../../kit/state';
import type { Visit, View } from '../visit';
import { pageHead } from './parts';

export async function nowhere(_: Visit): Promise<View> {
  const home = h('a', { class: 'button', href: '/' }, t('nowhere.home'));
  const content = h('div', { class: 'stack' }, pageHead(t('nowhere.title'), null), empty(t('nowhere.empty'), t('nowhere.hint'), home));
  return { title: t('nowhere.title'), content };
}
