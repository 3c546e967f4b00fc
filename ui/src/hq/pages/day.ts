// One day of a store by the hour, beside the same weekday a week before.

import type { StoreDay } from '../../api';
import { csvAddress, get } from '../../kit/client';
import { described, sign } from '../../kit/charts/described';
import { seriesChart } from '../../kit/charts/series';
import { h } from '../../kit/dom';
import { dayAfter, hourName, integer, listed, longDay, t } from '../../kit/i18n';
import { empty } from '../../kit/state';
import { table } from '../../kit/table';
import { type FigureName, figureTiles, trustNotice } from '../words';
import { storeAddress, storeApi, type View, type Visit } from '../visit';
import { coverageColumn, figureColumn, pageHead, stepDays } from './parts';

type Hour = StoreDay['hours'][number];
const FIGURES: readonly FigureName[] = ['visitors', 'conversion', 'sales_minor', 'average_transaction_minor'];

export async function day(visit: Visit): Promise<View> {
  const where = { tenant: visit.path['tenant'] ?? '', store: visit.path['store'] ?? '' };
  const asked = visit.path['day'] ?? '';
  const api = `${storeApi(where)}/day`;
  const data = await get<StoreDay>(`${api}/${encodeURIComponent(asked)}`, {}, visit.signal);
  // The week before is for comparison only: where it cannot be had, the day still can.
  const before = await get<StoreDay>(`${api}/${dayAfter(data.day, -7)}`, {}, visit.signal).catch(() => null);
  const title = `${data.store.title}, ${longDay(data.day)}`;
  const open = data.hours.filter((one) => one.open || one.entries > 0);
  const content = h(
    'div',
    { class: 'stack' },
    pageHead(longDay(data.day), h('a', { href: storeAddress(data.store) }, data.store.title), dayTool(visit, data)),
    figureTiles(FIGURES, { figures: data.total, currency: data.store, against: [{ title: t('overview.last_week'), figures: before?.total ?? null }] }),
    trustNotice(data.total, data.store.title),
    open.length ? hours(data, open, before, csvAddress(`${api}/${data.day}`)) : empty(t('day.shut'), t('day.shut_hint')),
  );
  return { title, content };
}

function dayTool(visit: Visit, data: StoreDay): HTMLElement {
  return stepDays(data.day, (to) => visit.go(`${storeAddress(data.store)}/day/${to}`));
}

/** Nothing seen is a gap. */
const seen = (hour: Hour | undefined): number | null => (hour && hour.coverage > 0 ? hour.visitors : null);

function hours(data: StoreDay, open: readonly Hour[], before: StoreDay | null, csv: string): HTMLElement {
  const summary = daySummary(open);
  const lastWeek = open.map((one) => seen(before?.hours.find((other) => other.hour === one.hour)));
  const self = (row: Hour): Hour => row;
  return described({
    title: t('day.hours'),
    summary,
    keep: 'day-hours',
    drawing: seriesChart({
      kind: 'bars',
      labels: open.map((one) => hourName(one.hour)),
      series: [
        { name: t('figure.visitors'), values: open.map(seen), incomplete: open.map((one) => !one.complete), colour: 1 },
        ...(before ? [{ name: t('overview.last_week'), values: lastWeek, colour: 2, faint: true }] : []),
      ],
      description: summary,
    }),
    legend: [sign('swatch-whole', t('chart.complete')), sign('swatch-hollow', t('chart.incomplete')), h('span', null, t('chart.gap'))],
    table: table({
      caption: t('day.hours'),
      rows: open,
      csv,
      columns: [
        { title: t('table.hour'), heads: true, by: (row) => row.start_ms, cell: (row) => hourName(row.hour) },
        ...(['visitors', 'transactions', 'conversion', 'sales_minor', 'shoppers_per_associate_hour'] as const).map((name) =>
          figureColumn<Hour>(name, self, () => data.store),
        ),
        coverageColumn<Hour>(self),
      ],
    }),
  });
}

function daySummary(open: readonly Hour[]): string {
  const known = open.filter((one) => one.complete);
  const incomplete = open.filter((one) => !one.complete).map((one) => hourName(one.hour));
  const best = known.reduce<Hour | null>((top, one) => (top === null || one.visitors > top.visitors ? one : top), null);
  const said = best ? t('chart.highest', { where: hourName(best.hour), value: integer(best.visitors) }) : t('chart.all_gaps');
  return incomplete.length ? `${said} ${t('day.incomplete', { hours: incomplete.length, names: listed(incomplete) })}` : said;
}
