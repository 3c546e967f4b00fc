// A link by which a box enrols itself, shown this once; and taking its certificates back.

import type { BoxDetail, EnrolmentLink } from '../../api';
import { send } from '../../kit/client';
import { h } from '../../kit/dom';
import { moment, t } from '../../kit/i18n';
import { reasonForm } from '../../kit/reason';
import { faultText, notice } from '../../kit/state';

/** For administrators. */
export function enrolPanel(api: string, of: BoxDetail): HTMLElement {
  const said = h('div', { role: 'status' });
  const make = (): void => {
    if (!confirm(t(of.link_until_ms === null ? 'enrol.sure' : 'enrol.sure_again', { box: of.box }))) return;
    send<EnrolmentLink>('POST', `${api}/enrolment`, {}).then(
      (link) => link && said.replaceChildren(shown(link)),
      (fault: unknown) => said.replaceChildren(notice('bad', faultText(fault))),
    );
  };
  const valid = of.certificates.some((one) => one.revoked_ms === null && one.until_ms > Date.now());
  return h(
    'div',
    { class: 'stack' },
    h('h3', null, t('enrol.title')),
    h('p', { class: 'summary' }, of.link_until_ms === null ? t('enrol.lead') : t('enrol.open', { until: moment(of.link_until_ms) })),
    h('div', null, h('button', { type: 'button', class: 'button', click: make }, t('enrol.make'))),
    said,
    valid ? revoke(api, of) : null,
  );
}

function shown(link: EnrolmentLink): HTMLElement {
  const copied = h('span', { role: 'status' });
  const copy = (): void => {
    navigator.clipboard.writeText(link.link).then(
      () => (copied.textContent = t('token.copied')),
      // Without leave to copy it can still be marked and copied by hand.
      () => (copied.textContent = ''),
    );
  };
  return notice(
    'good',
    h('p', null, t('enrol.once', { until: moment(link.until_ms) })),
    h('p', { class: 'secret' }, h('code', null, link.link), h('button', { type: 'button', class: 'button', click: copy }, t('enrol.copy')), copied),
    h('p', null, t('enrol.qr')),
    // As a picture: what is in it is drawn and nothing of it can become part of the page.
    h('img', { class: 'qr', alt: t('enrol.qr_alt'), src: `data:image/svg+xml,${encodeURIComponent(link.qr_svg)}` }),
  );
}

function revoke(api: string, of: BoxDetail): HTMLElement {
  return h(
    'details',
    { class: 'fold', 'data-keep': 'revoke' },
    h('summary', null, t('enrol.revoke_title')),
    h('p', { class: 'summary' }, t('enrol.revoke_hint')),
    reasonForm({ go: t('enrol.revoke'), sure: () => t('enrol.revoke_sure', { box: of.box }), run: (why) => send('POST', `${api}/revocation`, { why }), done: t('enrol.revoked') }),
  );
}
