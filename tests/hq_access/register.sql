-- Two chains: acme with berlin (region north), paris-geheim (region south-geheim); globex-geheim with one store.
INSERT INTO tenant VALUES (1, 'acme', 'Acme'), (2, 'globex-geheim', 'Globex geheim');
INSERT INTO region VALUES (1, 1, 'north', 'North'), (2, 1, 'south-geheim', 'South geheim');
INSERT INTO store (store_id, tenant_id, region_id, name, title, currency, decimals, calendar, hours, least_coverage, simulated) VALUES
  (11, 1, 1, 'berlin', 'Berlin', 'EUR', 2, '{"kind":"iso"}', '{}', 0.8, 0),
  (12, 1, 2, 'paris-geheim', 'Paris geheim', 'EUR', 2, '{"kind":"iso"}', '{}', 0.8, 0),
  (21, 2, NULL, 'rome-geheim', 'Rome geheim', 'EUR', 2, '{"kind":"iso"}', '{}', 0.8, 0);
INSERT INTO store_clock VALUES (11, 0, 'Europe/Berlin', '04:00'), (12, 0, 'Europe/Paris', '04:00'), (21, 0, 'Europe/Rome', '04:00');
INSERT INTO box (box_id, store_id, name) VALUES (1, 11, 'box-berlin'), (2, 12, 'box-geheim'), (3, 21, 'box-geheim-2');
INSERT INTO camera VALUES (1, 1, 'door', 'Door'), (2, 2, 'cam-geheim', 'Camera geheim'), (3, 3, 'cam-geheim', 'Camera geheim');
INSERT INTO line (line_id, camera_id, store_id, name, title, role) VALUES
  (1, 1, 11, 'main', 'Main', 'door'), (2, 2, 12, 'line-geheim', 'Line geheim', 'door'), (3, 3, 21, 'line-geheim', 'Line geheim', 'door');
INSERT INTO zone VALUES (1, 1, 11, 'till', 'Till', 1), (2, 2, 12, 'zone-geheim', 'Zone geheim', 1), (3, 3, 21, 'zone-geheim', 'Zone geheim', 1);
INSERT INTO display VALUES (1, 1, 11, 'table', 'Table', 'shoes', '[]', 20000, NULL),
  (2, 2, 12, 'display-geheim', 'Display geheim', 'geheim', '[]', 20000, NULL),
  (3, 3, 21, 'display-geheim', 'Display geheim', 'geheim', '[]', 20000, NULL);
INSERT INTO alert VALUES (1, 'no_data', 11, 'box-berlin', 1791187000000, NULL, '{}'),
  (2, 'no_data', 12, 'box-geheim', 1791187000000, NULL, '{}'), (3, 'no_data', 21, 'box-geheim-2', 1791187000000, NULL, '{}');
