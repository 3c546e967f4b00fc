// Other sensors of a store beside the camera that counts the same: one checks the other.

import type { Sensor, Sensors, SideBySide } from '../../api';
import { csvAddress, get } from '../../kit/client';
import { described } from '../../kit/charts/described';
import { seriesChart } from '../../kit/charts/series';
import { type Child, h } from '../../kit/dom';
import { decimal, hourName, integer, longDay, percent, shortDay, signedPercent, t, UNKNOWN } from '../../kit/i18n';
import { notice } from '../../kit/state';
import { type Column, table } from '../../kit/table';
import type { Visit } from '../visit';
import { later } from './parts';

/** A panel for each sensor; nothing where the store has none. */
export function sensors(visit: Visit, api: string, span: { from: string; to: string }): HTMLElement {
  return later(async () => {
    const data = await get<Sensors>(`${api}/sensors`, span, visit.signal);
    return h('div', { class: 'stack' }, ...data.sensors.map((one) => panel(one, csvAddress(`${api}/sensors`, span))));
  }, visit.signal);
}

function panel(of: Sensor, csv: string): HTMLElement {
  const series = (values: (one: SideBySide) => number, name: string, colour: number) => ({
    name,
    values: of.days.map((one) => (one.hours > 0 ? values(one) : null)),
    colour,
  });
  const known = of.total.hours > 0;
  return described({
    title: t(`sensor.title.${of.kind}`, { sensor: of.sensor }),
    summary: summary(of),
    keep: `sensor-${of.box}-${of.sensor}`,
    drawing: h('div', { class: 'stack' }, warning(of), known
      ? seriesChart({
          kind: 'lines',
          labels: of.days.map((one) => shortDay(one.day)),
          long_labels: of.days.map((one) => longDay(one.day)),
          series: [series((one) => one.camera, t('sensor.camera'), 1), series((one) => one.sensor, t('sensor.sensor'), 2)],
          description: summary(of),
        })
      : h('p', { class: 'summary' }, t('sensor.nothing'))),
    ...(known ? { table: h('div', { class: 'stack' }, days(of, csv), hours(of)) } : {}),
  });
}

/** What they counted, how far they are apart, and how much of the time that is true of. */
function summary(of: Sensor): string {
  const named = { sensor: of.sensor, camera: of.camera ?? '', place: of.line ?? of.zone ?? '' };
  if (of.camera === null) return t('sensor.alone', named);
  const { hours, open_hours, difference } = of.total;
  const seen = t('sensor.seen', { share: open_hours ? percent(hours / open_hours, 0) : '0', hours, open: open_hours });
  if (hours === 0) return `${t('sensor.against', named)} ${seen}`;
  return `${t('sensor.against', named)} ${of.kind === 'beacon' ? ratio(of.total) : compared(difference)} ${seen}`;
}

function compared(difference: number | null): string {
  if (difference === null) return t('sensor.camera_none');
  const share = percent(Math.abs(difference), 0);
  // What rounds to nothing is neither more nor less.
  if (Math.abs(difference) < 0.005) return t('sensor.same');
  return difference > 0 ? t('sensor.more', { share }) : t('sensor.fewer', { share });
}

const ratio = (of: SideBySide): string => (of.camera === 0 ? t('sensor.camera_none') : t('sensor.ratio', { devices: decimal((100 * of.sensor) / of.camera, 0) }));

function warning(of: Sensor): HTMLElement | null {
  if (!of.apart) return null;
  return notice('warning', h('p', null, h('strong', null, t('sensor.apart'))), h('p', null, t(`sensor.apart_act.${of.kind}`)));
}

function columns<Row extends SideBySide>(of: Sensor, first: Column<Row>, mark: (row: Row) => Child): Column<Row>[] {
  const share = (row: Row): Child => {
    if (row.difference === null) return UNKNOWN;
    return of.kind === 'beacon' ? percent(1 + row.difference, 0) : signedPercent(row.difference);
  };
  const count = (value: (row: Row) => number) => (row: Row) => (row.hours > 0 ? integer(value(row)) : UNKNOWN);
  return [
    first,
    { title: t(`sensor.what.${of.what}`), number: true, by: (row) => row.camera, cell: count((row) => row.camera) },
    { title: t('sensor.sensor'), number: true, by: (row) => row.sensor, cell: count((row) => row.sensor) },
    { title: t(of.kind === 'beacon' ? 'sensor.ratio_short' : 'sensor.difference'), number: true, by: (row) => row.difference, cell: (row) => [share(row), mark(row)] },
    { title: t('sensor.hours'), number: true, by: (row) => row.hours, cell: (row) => t('sensor.hours_of', { hours: row.hours, open: row.open_hours }) },
  ];
}

function days(of: Sensor, csv: string): HTMLElement {
  const day: Column<Sensor['days'][number]> = { title: t('table.day'), heads: true, by: (row) => row.day, cell: (row) => longDay(row.day) };
  return table({ caption: t('sensor.by_day'), rows: of.days, csv, columns: columns(of, day, (row) => (row.apart ? ` ${t('sensor.apart_short')}` : null)) });
}

function hours(of: Sensor): HTMLElement {
  const hour: Column<Sensor['hours'][number]> = { title: t('table.hour'), heads: true, by: (row) => row.hour, cell: (row) => hourName(row.hour) };
  return table({ caption: t('sensor.by_hour'), rows: of.hours, columns: columns(of, hour, () => null) });
}
